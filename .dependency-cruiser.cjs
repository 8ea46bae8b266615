// The floors of the house as rules, the ground first: a floor imports only from floors below it, which stand before it in
// this list, and only through an index.ts. ARCHITECTURE.md draws the same floors.
const floors = [
  'base',
  'ip',
  'net',
  'api',
  'plan',
  'program',
  'kernel',
  'http',
  'kube',
  'openstack',
  'iaas',
  'reconcile',
  'reclaim',
  'carving',
  'pools',
  'node',
  'cni',
  'apiserver',
  'agent',
  'controller',
  'cli',
  'lab',
  'main',
];
const programs = ['agent', 'apiserver', 'cli', 'controller', 'lab'];
const pure = ['base', 'ip', 'net', 'api', 'plan'];

/** Tests, their fixtures and fakes. They may look into the folders of their own floor. */
const testing = '((\\.test|-fixture)\\.ts$|/testing/)';

/** For files in a folder of this depth: they import files of the folders around them, and of other folders the index. */
const throughIndexes = (depth) => {
  const around = Array.from({ length: depth }, (_, i) => `^src/${numbered(i + 1)}/`);
  return {
    name: `folders-have-doors-${depth}`,
    comment: 'A folder beside or below is entered through its index.ts.',
    severity: 'error',
    from: { path: `^src/${'([^/]+)/'.repeat(depth)}[^/]+$`, pathNot: testing },
    to: {
      path: '^src/$1/',
      pathNot: around.flatMap((folder) => [`${folder}[^/]+$`, `${folder}[^/]+/index\\.ts$`]),
    },
  };
};

/** `$1/$2/$3`: the first folders of the importing file. */
function numbered(count) {
  return Array.from({ length: count }, (_, i) => `$${i + 1}`).join('/');
}

const downOnly = floors.map((floor, i) => ({
  name: `floor-${floor}-looks-down-only`,
  severity: 'error',
  from: { path: `^src/${floor}/` },
  to: { path: `^src/(${floors.slice(i + 1).join('|') || 'nothing'})/` },
}));

module.exports = {
  forbidden: [
    ...downOnly,
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'pure-floors-know-no-node',
      comment: 'All decisions can be tested without root, in microseconds.',
      severity: 'error',
      from: { path: `^src/(${pure.join('|')})/`, pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'pure-floors-use-zod-alone',
      severity: 'error',
      from: { path: `^src/(${pure.join('|')})/`, pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['npm', 'npm-dev'], pathNot: 'node_modules/zod/' },
    },
    {
      name: 'controllers-know-the-api-alone',
      comment: 'A controller runs without privileges: nothing of the kernel, and no program of a node.',
      severity: 'error',
      from: { path: '^src/reconcile/' },
      to: { path: '^src/', pathNot: '^src/(base|api|http|kube|reconcile)/' },
    },
    {
      name: 'the-controller-needs-no-node',
      comment: 'It runs without privileges, on any node.',
      severity: 'error',
      from: { path: '^src/controller/' },
      to: { path: '^src/(kernel|net|node|cni)/' },
    },
    {
      name: 'the-controller-reaches-no-kernel',
      comment:
        'Its image has no native part, so a single import on the way to src/kernel keeps it from starting.',
      severity: 'error',
      from: { path: '^src/main/controller\\.ts$' },
      to: { path: '^src/kernel/index\\.ts$', reachable: true },
    },
    {
      name: 'reclaiming-knows-the-api-alone',
      comment: 'The controller and orbctl share it, and neither needs a node for it.',
      severity: 'error',
      from: { path: '^src/reclaim/' },
      to: { path: '^src/', pathNot: '^src/(base|ip|api|plan|kube|reclaim)/' },
    },
    {
      name: 'koffi-only-in-ffi',
      severity: 'error',
      from: { pathNot: '^src/kernel/ffi/' },
      to: { path: 'node_modules/koffi/' },
    },
    {
      name: 'http-only-where-it-belongs',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot:
          '^src/(http|kube|apiserver|program/health-server|controller/admission/webhook-server|controller/pools/commit-server|pools/leader-link|node/runtime|agent/services/health-check-ports|main)|(\\.test|-fixture)\\.ts$',
      },
      to: { path: '^(node:)?(http|https|http2)$' },
    },
    {
      name: 'through-the-front-door',
      comment: 'Another floor is entered through an index.ts: its own, or that of a folder in it.',
      severity: 'error',
      from: { path: '^src/([^/]+)/' },
      to: {
        path: '^src/([^/]+)/',
        pathNot: ['^src/$1/', '^src/[^/]+/index\\.ts$', '^src/[^/]+/[^/]+/index\\.ts$'],
      },
    },
    ...[1, 2, 3].map(throughIndexes),
    {
      name: 'fakes-are-for-tests',
      severity: 'error',
      from: { path: '^src/', pathNot: testing },
      to: { path: '(-fixture\\.ts$|/testing/)' },
    },
    {
      name: 'programs-stand-alone',
      comment: 'Only main imports a program folder; the lab starts programs as processes.',
      severity: 'error',
      from: { path: '^src/([^/]+)/', pathNot: '^src/main/' },
      to: { path: `^src/(${programs.join('|')})/`, pathNot: '^src/$1/' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
