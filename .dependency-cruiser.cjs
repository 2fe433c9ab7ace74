// The layer table of ARCHITECTURE.md as a failing check. Every rule's comment says how to mend a violation. No exemptions.
'use strict';

/** Folders of core/ from the bottom up: each may import itself and those above it in this list. */
const CORE_ORDER = [
  ['base'], ['api'], ['event'], ['buffer'], ['io'], ['headers'], ['shared_memory'], ['log'], ['stats'], ['registry'], ['runtime'],
  ['stream_info'], ['matcher', 'secret'], ['formatter'], ['access_log', 'tracing', 'overload'], ['network'], ['upstream'], ['snapshot'],
  // The contracts of HTTP that pools and routes speak in.
  ['http/(codec|codes|date_header)\\.ts'],
  ['conn_pool'], ['route'],
  // The filter contract.
  ['http/(filter|filter_context|terminal_filter)\\.ts'],
  ['http/http1', 'http/http2'], ['http/filter_manager'], ['http/connection_manager', 'http/conn_pool', 'tcp'], ['router'],
  ['cluster_manager'],
];

const coreRules = CORE_ORDER.slice(0, -1).map((group, i) => ({
  name: `core-order-${group[0].replace(/\W+/g, '-')}`,
  severity: 'error',
  comment: `core/${group.join(', core/')} may import only what stands before it in CORE_ORDER. Move the shared part down, or pass it in as an interface.`,
  from: { path: `^core/(${group.join('|')})(/|$)`, pathNot: TEST() },
  to: { path: `^core/(${CORE_ORDER.slice(i + 1).flat().join('|')})(/|$)` },
}));

function TEST() {
  return '\\.test\\.ts$';
}

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', comment: 'Cut the cycle: move what both need into a third file, or turn one direction into an interface.', from: {}, to: { circular: true } },
    ...coreRules,
    {
      name: 'core-is-a-leaf', severity: 'error', comment: 'core/ is a library: it knows no server, thread, extension or test.',
      from: { path: '^core/', pathNot: TEST() }, to: { path: '^(server|workers|admin|bin|extensions|test|bench|tools|examples)/' },
    },
    {
      name: 'native-through-facade', severity: 'error', comment: 'Only native/index.ts speaks to the addon, and only core/io and server/listeners speak to it.',
      from: { pathNot: ['^native/', '^core/io/', '^server/listeners/', '^(test|bench)/', TEST()] }, to: { path: '^native/' },
    },
    ...['filters/[^/]+/[^/]+', '[^/]+/[^/]+'].map((folder, i) => ({
      name: `extension-stays-home-${i}`, severity: 'error', comment: 'An extension may import core, its own folder and the common folder of its category.',
      from: { path: `^extensions/(${folder})/`, pathNot: i === 0 ? TEST() : [TEST(), '^extensions/filters/'] },
      to: { path: '^extensions/', pathNot: ['^extensions/$1/', '/common/'] },
    })),
    {
      name: 'extensions-see-core-only', severity: 'error', comment: 'Extensions run on whichever thread they are given: they know no server and no worker.',
      from: { path: '^extensions/', pathNot: TEST() }, to: { path: '^(server|workers|admin|bin|test|bench|tools)/' },
    },
    {
      name: 'all-extensions-at-entries', severity: 'error', comment: 'Only entry files (bin, workers) import the list of all extensions; others get a registry.',
      from: { pathNot: ['^bin/', '^workers/worker/worker_main\\.ts$', '^(test|bench)/', TEST()] }, to: { path: '^extensions/all_extensions\\.ts$' },
    },
    {
      name: 'one-thread-one-side-worker', severity: 'error', comment: 'Code of the worker and flush threads must not see main-side code: put what crosses into workers/protocol.',
      from: { path: '^workers/(worker|flush)/', pathNot: TEST() }, to: { path: '^(workers/main|server|admin|bin)/' },
    },
    {
      name: 'one-thread-one-side-main', severity: 'error', comment: 'Main-side code must not see the inside of a worker: put what crosses into workers/protocol.',
      from: { path: '^(workers/main|server|admin)/', pathNot: TEST() }, to: { path: '^workers/(worker|flush)/', pathNot: ['^workers/flush/flush_protocol\\.ts$'] },
    },
    {
      name: 'protocol-is-plain', severity: 'error', comment: 'What crosses threads is plain data.',
      from: { path: '^workers/protocol/', pathNot: TEST() }, to: { path: '^(server|admin|bin|extensions|workers/(main|worker|flush))/' },
    },
    {
      name: 'admin-sees-the-instance-interface', severity: 'error', comment: 'admin/ may import core and the Instance interface (type only); everything else comes through it.',
      from: { path: '^admin/', pathNot: TEST() }, to: { path: '^(server|workers|extensions|bin)/', pathNot: '^server/instance\\.ts$' },
    },
    {
      name: 'server-side-of-admin', severity: 'error', comment: 'The server does not know its admin interface; bin/ joins them.',
      from: { path: '^server/', pathNot: TEST() }, to: { path: '^(admin|bin|extensions)/' },
    },
    {
      name: 'worker-threads-only-in-workers', severity: 'error', comment: 'Threads are started and known in workers/ only.',
      from: { pathNot: ['^workers/', '^bin/', '^(test|bench|tools|examples)/', TEST()] }, to: { path: '^(node:)?worker_threads$' },
    },
    {
      name: 'sockets-only-in-io', severity: 'error', comment: 'Sockets belong to core/io; the control plane may use node:http in admin/ and dns in server/dns, both in server/health_checks.',
      from: { pathNot: ['^core/io/', '^(test|bench|tools|examples)/', '^admin/', '^server/(listeners|dns|health_checks)/', TEST()] }, to: { path: '^(node:)?(net|tls|http|https|http2|dgram)$' },
    },
    {
      name: 'pure-parsers', severity: 'error', comment: 'Codecs and data structures import no node: module.',
      from: { path: '^core/(http/(http1|http2|filter_manager)|base|buffer|headers|event)/', pathNot: TEST() }, to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-test-in-product', severity: 'error', comment: 'Product code must not need tests, benchmarks or tools.',
      from: { path: '^(core|extensions|server|workers|admin|bin|native)/', pathNot: [TEST(), '^native/(test|build)'] }, to: { path: ['^(test|bench|tools|examples)/', TEST()] },
    },
    {
      name: 'no-dev-dependencies-in-product', severity: 'error', comment: 'The published package has no devDependencies: move it to dependencies, with a line in docs/dependencies.md.',
      from: { path: '^(core|extensions|server|workers|admin|bin)/', pathNot: TEST() }, to: { dependencyTypes: ['npm-dev'], pathNot: ['@types/'] },
    },
    {
      name: 'not-unreachable-from-entry', severity: 'error', comment: 'Nobody reaches this file from an entry point or a test: delete it.',
      from: { path: '^(bin/(envoyts|config_main|explain_main)|workers/(worker/worker_main|flush/flush_main))\\.ts$|^(test|bench|tools|examples)/|^native/index\\.ts$|\\.test\\.ts$' },
      to: { path: '^(core|extensions|server|workers|admin)/', reachable: false, pathNot: ['^core/api/gen/', '\\.d\\.ts$', '^workers/(worker/worker_main|flush/flush_main)\\.ts$', TEST()] },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '^core/api/gen'] },
    exclude: { path: ['^dist/', '^core/api/gen/', '^native/build/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.check.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.cjs', '.mjs', '.d.ts'] },
  },
};
