/** strerror(3) texts of what opening files and sockets can fail with: the words that operators grep for. */
const ERROR_TEXTS: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied',
  EADDRINUSE: 'Address already in use',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  EAFNOSUPPORT: 'Address family not supported by protocol',
  EINVAL: 'Invalid argument',
  EISDIR: 'Is a directory',
  ELOOP: 'Too many levels of symbolic links',
  EMFILE: 'Too many open files',
  ENAMETOOLONG: 'File name too long',
  ENFILE: 'Too many open files in system',
  ENOENT: 'No such file or directory',
  ENOTDIR: 'Not a directory',
  EPERM: 'Operation not permitted',
  EROFS: 'Read-only file system',
};

/** A system call's error in the system's words; any other error in its own. */
export function systemErrorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return ERROR_TEXTS[systemErrorCode(error)] ?? error.message;
}

/** The code of a system call's error, e.g. ENOENT; '' of any other. */
export function systemErrorCode(error: unknown): string {
  return error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? '') : '';
}
