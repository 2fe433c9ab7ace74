/** What this build is: shown by --version and /server_info. Thread: main, at start. */
import { readFileSync } from 'node:fs';

export interface BuildInfo {
  /** package.json's version. */
  readonly version: string;
  /** 40 hex digits of the commit it was built from; zeros where that is unknown. */
  readonly revision: string;
  /** `revision/version/Clean/RELEASE/<TLS library>`. */
  readonly text: string;
  /** `server.version`: the first six digits of the revision as a number. */
  readonly number: number;
}

const UNKNOWN_REVISION = '0'.repeat(40);

/** `root`: the package's folder, with package.json and, in a build, dist/build_info.json. */
export function readBuildInfo(root: URL): BuildInfo {
  const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string };
  const revision = checkoutRevision(root) ?? builtRevision(root) ?? UNKNOWN_REVISION;
  const tls = `OpenSSL-${process.versions['openssl'] ?? 'none'}`;
  return { version, revision, text: `${revision}/${version}/Clean/RELEASE/${tls}`, number: Number.parseInt(revision.slice(0, 6), 16) };
}

function readText(url: URL): string | undefined {
  try {
    return readFileSync(url, 'utf8');
  } catch {
    return undefined;
  }
}

function builtRevision(root: URL): string | undefined {
  const text = readText(new URL('dist/build_info.json', root));
  return text === undefined ? undefined : (JSON.parse(text) as { revision?: string }).revision;
}

/** The checked-out commit, where this is a checkout. */
function checkoutRevision(root: URL): string | undefined {
  const head = readText(new URL('.git/HEAD', root))?.trim();
  if (head === undefined) return undefined;
  if (!head.startsWith('ref: ')) return asRevision(head);
  const ref = head.slice('ref: '.length);
  const loose = readText(new URL(`.git/${ref}`, root));
  if (loose !== undefined) return asRevision(loose.trim());
  const packed = readText(new URL('.git/packed-refs', root))?.split('\n').find((line) => line.endsWith(` ${ref}`));
  return packed === undefined ? undefined : asRevision(packed.split(' ')[0]);
}

function asRevision(text: string): string | undefined {
  return /^[0-9a-f]{40}/.test(text) ? text.slice(0, 40) : undefined;
}
