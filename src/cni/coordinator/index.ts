export { type CoordinatorParts, CoordinatorPlugin } from './coordinator.ts';
export { TranslatedPlugin } from './translated.ts';
