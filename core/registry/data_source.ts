import type { DataSource } from '../api/gen/envoy/config/core/v3/base_pb.d.ts';
import type { ParseContext } from './parse_context.ts';

/** The bytes of a DataSource: inline, of an environment variable, or of a file (where files may be read). Reports what fails. */
export function readDataSource(message: DataSource, holder: object, field: string, context: ParseContext): Uint8Array {
  const specifier = message.specifier;
  switch (specifier.case) {
    case 'inlineString':
      return new Uint8Array(Buffer.from(specifier.value));
    case 'inlineBytes':
      return new Uint8Array(specifier.value);
    case 'environmentVariable': {
      const value = process.env[specifier.value];
      if (value === undefined) context.error(message, 'environment_variable', `environment variable ${specifier.value} does not exist`);
      return new Uint8Array(Buffer.from(value ?? ''));
    }
    case 'filename':
      return readNamedFile(message, specifier.value, context);
    default:
      context.error(holder, field, 'one of filename, inline_string, inline_bytes or environment_variable must be set');
      return new Uint8Array(0);
  }
}

function readNamedFile(message: DataSource, path: string, context: ParseContext): Uint8Array {
  if (context.readFile === undefined) {
    context.refuse(message, 'filename', 'reading a file here');
    return new Uint8Array(0);
  }
  try {
    return new Uint8Array(context.readFile(path));
  } catch (error) {
    const code = (error as { code?: string }).code;
    context.error(message, 'filename', code === 'ENOENT' ? `file ${path} does not exist` : `unable to read file ${path} (${code ?? String(error)})`);
    return new Uint8Array(0);
  }
}
