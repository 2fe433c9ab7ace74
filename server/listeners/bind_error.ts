/** Why a listen socket could not be made, in the words that operators grep for. */

/** strerror(3) texts of what bind and listen can fail with. */
const ERROR_TEXTS: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied',
  EADDRINUSE: 'Address already in use',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  EAFNOSUPPORT: 'Address family not supported by protocol',
  EINVAL: 'Invalid argument',
  EMFILE: 'Too many open files',
  ENAMETOOLONG: 'File name too long',
  ENFILE: 'Too many open files in system',
  ENOENT: 'No such file or directory',
  ENOTDIR: 'Not a directory',
  EPERM: 'Operation not permitted',
  EROFS: 'Read-only file system',
};

/** `127.0.0.1:80`, `[::1]:80`, or the path of a Unix socket. */
export function addressText(address: string, port: number): string {
  if (isUnixAddress(address)) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Whether an address of the configuration names a Unix socket. */
export function isUnixAddress(address: string): boolean {
  return address.startsWith('/') || address.startsWith('@');
}

/** An address that cannot be listened on. */
export class BindError extends Error {
  constructor(address: string, port: number, cause: unknown) {
    const { code, message } = (cause instanceof Error ? cause : new Error(String(cause))) as NodeJS.ErrnoException;
    super(`cannot bind '${addressText(address, port)}': ${ERROR_TEXTS[code ?? ''] ?? message}`, { cause });
    this.name = 'BindError';
  }
}
