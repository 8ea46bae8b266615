export { brokenTrial } from './broken-trial.ts';
export { type MatrixFacts, matrixPage } from './page.ts';
export { matrixTrial } from './trial.ts';
