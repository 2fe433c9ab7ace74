import { constants } from 'node:os';

/** The errno number of a node:net error: EIO when the system has no such name. */
export function errnoOf(error: NodeJS.ErrnoException): number {
  const code = error.code as keyof typeof constants.errno | undefined;
  return (code !== undefined ? constants.errno[code] : undefined) ?? constants.errno.EIO;
}

/** '@name' is how we write an abstract Unix name; Node wants a NUL there. */
export function toPath(address: string): string {
  return address.startsWith('@') ? `\0${address.slice(1)}` : address;
}

/** The way back. */
export function fromPath(path: string): string {
  return path.startsWith('\0') ? `@${path.slice(1)}` : path;
}

/** '127.0.0.1:80', '[::1]:80', or '' when unknown. */
export function addressText(host: string | undefined, port: number | undefined): string {
  if (host === undefined || port === undefined) return '';
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
