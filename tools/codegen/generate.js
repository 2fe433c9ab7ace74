// Generates core/api/gen/ from the Envoy v3 protos in npm's @grpc/grpc-js-xds: run by `npm run build:protos` and npm's prepare.
//
//   protos + supplements -> one merged source tree -> buf (image) -> descriptors.binpb + descriptors.json (index by type)
//                                                   -> protoc-gen-es -> *_pb.d.ts (types only) and *_enums.ts (enum values)
//
// Works offline: buf's binary is the platform package that npm installed, the plugin runs in this process. Plain JavaScript,
// so that it runs on any Node. Does nothing when the hash of its inputs stands in gen/stamp.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { create, createFileRegistry, fromBinary, toBinary } from '@bufbuild/protobuf';
import { CodeGeneratorRequestSchema, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { applySupplements } from './supplement.js';

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));
const outDir = join(here, '..', '..', 'core', 'api', 'gen');
const supplementDir = join(here, 'supplements');

const BUF_PACKAGES = {
  'darwin arm64': '@bufbuild/buf-darwin-arm64/bin/buf',
  'darwin x64': '@bufbuild/buf-darwin-x64/bin/buf',
  'linux arm64': '@bufbuild/buf-linux-aarch64/bin/buf',
  'linux arm': '@bufbuild/buf-linux-armv7/bin/buf',
  'linux x64': '@bufbuild/buf-linux-x64/bin/buf',
  'win32 arm64': '@bufbuild/buf-win32-arm64/bin/buf.exe',
  'win32 x64': '@bufbuild/buf-win32-x64/bin/buf.exe',
};

function main() {
  const depsDir = join(packageDir('@grpc/grpc-js-xds'), 'deps');
  const stamp = inputHash();
  if (existsSync(join(outDir, 'stamp')) && readFileSync(join(outDir, 'stamp'), 'utf8') === stamp) {
    console.log('codegen: core/api/gen is up to date');
    return;
  }
  const started = Date.now();
  const work = mkdtempSync(join(tmpdir(), 'envoyts-codegen-'));
  try {
    const stage = join(work, 'stage');
    stageProtos(depsDir, stage);
    const supplemented = applySupplements(supplementDir, stage);
    dropUnresolvable(stage);
    const image = buildImage(stage, join(work, 'image.binpb'));
    const next = join(work, 'gen');
    writeOutputs(image, next);
    writeFileSync(join(next, 'stamp'), stamp);
    rmSync(outDir, { recursive: true, force: true });
    mkdirSync(dirname(outDir), { recursive: true });
    move(next, outDir);
    console.log(`codegen: ${image.file.length} protos (${supplemented} supplements) into core/api/gen in ${Date.now() - started} ms`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The folder of an installed package, whatever its `exports` hide. */
function packageDir(name) {
  for (const base of require.resolve.paths(name) ?? []) {
    if (existsSync(join(base, name, 'package.json'))) return join(base, name);
  }
  throw new Error(`codegen: the npm package ${name} is not installed; run npm ci`);
}

function inputHash() {
  const hash = createHash('sha256');
  for (const name of ['@grpc/grpc-js-xds', '@bufbuild/protoc-gen-es', '@bufbuild/protobuf']) {
    hash.update(`${name}@${JSON.parse(readFileSync(join(packageDir(name), 'package.json'), 'utf8')).version}\n`);
  }
  for (const file of listFiles(here).filter((f) => !f.endsWith('.test.ts')).sort()) {
    hash.update(`${relative(here, file)}\n`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

function listFiles(dir) {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Copies the v3 protos (and what they import) into one tree rooted at the import path. */
function stageProtos(depsDir, stage) {
  const roots = [
    ['envoy-api', (path) => path.startsWith('envoy/annotations/') || /\/v3(alpha)?\//.test(path)],
    ['xds', () => true],
    ['googleapis', (path) => path.startsWith('google/rpc/') || /^google\/api\/(annotations|http|expr)/.test(path)],
    ['protoc-gen-validate', (path) => path === 'validate/validate.proto'],
  ];
  for (const [root, take] of roots) {
    const base = join(depsDir, root);
    for (const file of listFiles(base)) {
      const path = relative(base, file).split(sep).join('/');
      if (!path.endsWith('.proto') || !take(path)) continue;
      mkdirSync(join(stage, dirname(path)), { recursive: true });
      cpSync(file, join(stage, path));
    }
  }
}

/** Removes protos that import what no package here carries (OpenTelemetry, OpenCensus, Prometheus), and what imports those. */
function dropUnresolvable(stage) {
  const imports = new Map();
  for (const file of listFiles(stage)) {
    const names = [...readFileSync(file, 'utf8').matchAll(/^import (?:public |weak )?"([^"]+)";/gm)].map((match) => match[1]);
    imports.set(relative(stage, file).split(sep).join('/'), names);
  }
  for (let dropped = true; dropped; ) {
    dropped = false;
    for (const [path, names] of imports) {
      const missing = names.find((name) => !imports.has(name) && !name.startsWith('google/protobuf/'));
      if (missing === undefined) continue;
      rmSync(join(stage, path));
      imports.delete(path);
      dropped = true;
      console.log(`codegen: left out ${path} (wants ${missing})`);
    }
  }
}

function buildImage(stage, imagePath) {
  const key = `${process.platform} ${process.arch}`;
  const target = BUF_PACKAGES[key];
  if (target === undefined) throw new Error(`codegen: @bufbuild/buf has no binary for ${key}`);
  const separator = target.indexOf('/bin/');
  const buf = join(packageDir(target.slice(0, separator)), target.slice(separator + 1));
  try {
    execFileSync(buf, ['build', stage, '-o', imagePath, '--as-file-descriptor-set', '--exclude-source-info'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
    });
  } catch (error) {
    throw new Error(`codegen: buf failed:\n${error.stdout ?? ''}${error.stderr ?? ''}`);
  }
  return fromBinary(FileDescriptorSetSchema, readFileSync(imagePath));
}

/** Imports first, so that a reader can build file by file. buf already orders so; this keeps us independent of it. */
function importsFirst(files) {
  const byName = new Map(files.map((file) => [file.name, file]));
  const done = new Set();
  const ordered = [];
  const visit = (file) => {
    if (done.has(file.name)) return;
    done.add(file.name);
    for (const name of file.dependency) visit(byName.get(name));
    ordered.push(file);
  };
  for (const file of files) visit(file);
  return ordered;
}

function writeOutputs(image, dir) {
  mkdirSync(dir, { recursive: true });
  const files = importsFirst(image.file);
  writeDescriptors(files, dir);
  const toGenerate = files.map((file) => file.name).filter((name) => !name.startsWith('google/protobuf/'));
  const { protocGenEs } = require('@bufbuild/protoc-gen-es/dist/cjs/src/protoc-gen-es-plugin.js');
  const response = protocGenEs.run(
    create(CodeGeneratorRequestSchema, { fileToGenerate: toGenerate, parameter: 'target=dts,import_extension=js', protoFile: files }),
  );
  if (response.error) throw new Error(`codegen: ${response.error}`);
  for (const file of response.file) {
    // `./x_pb.js` names a module that does not exist at run time; `.d.ts` says what the file is and resolves everywhere.
    const content = file.content.replace(/(from "\.[^"]*_pb)\.js"/g, '$1.d.ts"').replace(/^import \{/gm, 'import type {');
    write(join(dir, file.name), content);
  }
  for (const file of createFileRegistry(create(FileDescriptorSetSchema, { file: files })).files) {
    if (!file.name.startsWith('google/protobuf/')) writeEnums(file, dir);
  }
}

/**
 * descriptors.binpb: the FileDescriptorProtos one after the other; descriptors.json: for each file its range and imports, for
 * each type name its file. A process then decodes only the files that its configuration touches.
 */
function writeDescriptors(files, dir) {
  const parts = [];
  const index = { files: {}, types: {} };
  let offset = 0;
  for (const file of files) {
    const bytes = toBinary(FileDescriptorProtoSchema, file);
    parts.push(bytes);
    index.files[file.name] = [offset, bytes.length, file.dependency];
    offset += bytes.length;
    const addTypes = (scope, messages) => {
      for (const message of messages) {
        index.types[`${scope}${message.name}`] = file.name;
        addTypes(`${scope}${message.name}.`, message.nestedType.filter((nested) => !nested.options?.mapEntry));
      }
    };
    addTypes(file.package === '' ? '' : `${file.package}.`, file.messageType);
  }
  writeFileSync(join(dir, 'descriptors.binpb'), Buffer.concat(parts));
  writeFileSync(join(dir, 'descriptors.json'), JSON.stringify(index));
}

/** Enum `Cluster.LbPolicy` becomes `export const Cluster_LbPolicy = { ROUND_ROBIN: 0, ... } as const` in cluster_enums.ts. */
function writeEnums(file, dir) {
  const lines = [];
  const addAll = (prefix, enums, messages) => {
    for (const declared of enums) {
      // localName is the name that the generated type uses: a prefix that repeats the enum's name is dropped.
      const values = declared.values.map((value) => `  ${value.localName}: ${value.number},`);
      lines.push(`/** enum ${declared.typeName} */`, `export const ${prefix}${declared.name} = {`, ...values, '} as const;', '');
    }
    for (const message of messages) addAll(`${prefix}${message.name}_`, message.nestedEnums, message.nestedMessages);
  };
  addAll('', file.enums, file.messages);
  if (lines.length === 0) return;
  write(join(dir, `${file.name}_enums.ts`), `// Generated from ${file.name}.proto by tools/codegen; do not edit.\n\n${lines.join('\n')}`);
}

function write(path, content) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** The temporary folder may be on another file system than the checkout. */
function move(from, to) {
  try {
    renameSync(from, to);
  } catch {
    cpSync(from, to, { recursive: true });
  }
}

main();
