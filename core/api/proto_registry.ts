import { createFileRegistry, createMutableRegistry, type DescFile, type DescMessage, fromBinary, type MutableRegistry } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';

/** The index beside the descriptors: for each file its [offset, length, imports], for each message type its file. */
export interface DescriptorIndex {
  readonly files: Readonly<Record<string, readonly [number, number, readonly string[]]>>;
  readonly types: Readonly<Record<string, string>>;
}

/**
 * Message descriptors by type name. Files are decoded when a type of theirs is first asked for, with what they import: a usual
 * configuration touches a quarter of the protos, which keeps the start short. Thread: main.
 */
export class ProtoRegistry {
  private readonly bytes: Uint8Array;
  private readonly index: DescriptorIndex;
  private readonly files = new Map<string, DescFile>();
  /** The same files without their imports: protobuf-es walks imports on every use, path by path, which is far too often here. */
  private readonly importable = new Map<string, DescFile>();
  private readonly messages = new Map<string, DescMessage | undefined>();
  /** Everything decoded so far, in the shape that protobuf-es' own JSON printer wants. */
  readonly loaded: MutableRegistry = createMutableRegistry();

  /** `bytes` and `index` are gen/descriptors.binpb and gen/descriptors.json. */
  constructor(bytes: Uint8Array, index: DescriptorIndex) {
    this.bytes = bytes;
    this.index = index;
  }

  /** The descriptor of a message type (full name without `type.googleapis.com/`), or undefined. */
  getMessage(typeName: string): DescMessage | undefined {
    if (this.messages.has(typeName)) return this.messages.get(typeName);
    const fileName = Object.hasOwn(this.index.types, typeName) ? this.index.types[typeName] : undefined;
    if (fileName !== undefined) this.loadFile(fileName);
    const message = this.loaded.getMessage(typeName);
    this.messages.set(typeName, message);
    return message;
  }

  /** Like getMessage, for names that the code itself knows. Throws when the descriptors do not fit the code. */
  requireMessage(typeName: string): DescMessage {
    const message = this.getMessage(typeName);
    if (message === undefined) throw new Error(`no descriptor for ${typeName}: core/api/gen is out of date`);
    return message;
  }

  /** A decoded proto file by import path. Throws when unknown (our bug). */
  getFile(name: string): DescFile {
    return this.loadFile(name);
  }

  /** Names of all message types, decoded or not. */
  typeNames(): string[] {
    return Object.keys(this.index.types);
  }

  private loadFile(name: string): DescFile {
    const known = this.files.get(name);
    if (known !== undefined) return known;
    const entry = this.index.files[name];
    if (entry === undefined) throw new Error(`no descriptor for ${name}: core/api/gen is out of date`);
    for (const dependency of entry[2]) this.loadFile(dependency);
    const proto = fromBinary(FileDescriptorProtoSchema, this.bytes.subarray(entry[0], entry[0] + entry[1]));
    const file = createFileRegistry(proto, (dependency) => this.importable.get(dependency)).getFile(name);
    if (file === undefined) throw new Error(`descriptor of ${name} does not decode`);
    this.files.set(name, file);
    this.importable.set(name, { ...file, dependencies: publicImports(file) });
    this.addTypes(file.messages);
    for (const extension of file.extensions) this.loaded.add(extension);
    return file;
  }

  private addTypes(messages: readonly DescMessage[]): void {
    for (const message of messages) {
      this.loaded.add(message);
      this.addTypes(message.nestedMessages);
    }
  }
}

/** What an importer of `file` sees through it. */
function publicImports(file: DescFile): DescFile[] {
  const names = file.proto.publicDependency.map((index) => file.proto.dependency[index]);
  return file.dependencies.filter((dependency) => names.includes(dependency.proto.name));
}
