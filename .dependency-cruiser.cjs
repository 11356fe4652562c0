// The import table of ARCHITECTURE.md, made executable. Every folder may import runtime and itself.
const mayImport = {
  runtime: [],
  rtp: [],
  config: [],
  audio: [],
  signalling: [],
  'sip-server': [],
  realtime: ['audio'],
  simulator: ['audio'],
  tools: [],
  dialplan: [
    'audio',
    'realtime/agent-schema',
    'realtime/agent-change',
    'tools/tool-schema',
    'tools/tool-parameters',
    'tools/agent-tool',
    'tools/url-template',
    'tools/outgoing-address',
  ],
  media: ['audio', 'rtp'],
  phone: ['signalling', 'media', 'audio'],
  call: ['audio', 'media', 'realtime', 'signalling', 'tools', 'dialplan'],
  rehearsal: ['call', 'dialplan', 'media', 'realtime', 'signalling', 'simulator', 'audio', 'tools'],
  records: ['call'],
  observability: ['call'],
  workers: [
    'call',
    'media',
    'audio',
    'rtp',
    'signalling',
    'dialplan',
    'config',
    'observability',
    'models',
    'price-file',
    'prompt-files',
    'sip-front',
    'start-refused',
    'tooling',
    'tools',
    'voice-codecs',
  ],
  console: ['call', 'records', 'observability', 'dialplan', 'config'],
};

// Each library has one door. Folders that are missing here import no library at all.
const libraryDoors = {
  convict: 'config',
  '@discordjs/opus': 'audio',
  wavefile: 'audio',
  'drachtio-srf': 'signalling',
  'drachtio-fsmrf': 'media/freeswitch-',
  ws: '(realtime|simulator)',
  yaml: 'dialplan',
  re2js: 'dialplan',
  zod: '(dialplan|tools|realtime|rehearsal)',
  '@modelcontextprotocol/sdk': 'tools',
  pino: 'observability',
  'prom-client': 'observability',
};

const forbidden = [
  { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
  { name: 'no-orphans', severity: 'error', from: { orphan: true, pathNot: ['^src/main\\.ts$'] }, to: {} },
  { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  {
    name: 'no-dev-dependencies-in-src',
    severity: 'error',
    from: { path: '^src' },
    to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
  },
];

for (const [folder, others] of Object.entries(mayImport)) {
  const allowed = [`^src/${folder}/`, '^src/runtime/', ...others.map((other) => `^src/${other}(/|\\.ts$)`)];
  forbidden.push({
    name: `imports-of-${folder}`,
    severity: 'error',
    from: { path: `^src/${folder}/` },
    to: { path: '^src/', pathNot: allowed },
  });
}

for (const [library, door] of Object.entries(libraryDoors)) {
  forbidden.push({
    name: `door-of-${library.replace(/[@/]/g, '-')}`,
    severity: 'error',
    from: { path: '^src/', pathNot: [`^src/${door}`, '^src/main\\.ts$', '^src/cli/'] },
    to: { path: `node_modules/${library}(/|$)` },
  });
}

forbidden.push({
  name: 'library-without-a-door',
  severity: 'error',
  from: { path: '^src/' },
  to: {
    path: 'node_modules/',
    pathNot: [...Object.keys(libraryDoors), '@types'].map((library) => `node_modules/(@types/)?${library}(/|$)`),
  },
});

module.exports = {
  forbidden,
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.build.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'types'] },
  },
};
