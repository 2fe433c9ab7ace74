/** Decodes %XX; leaves what is not a valid escape as it is. */
function percentDecode(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Parameters of a request in order of appearance. */
export class QueryParams {
  /** Pairs in order; a name without `=` has the value ''. */
  readonly entries: readonly (readonly [string, string])[];

  constructor(entries: readonly (readonly [string, string])[]) {
    this.entries = entries;
  }

  has(name: string): boolean {
    return this.entries.some((entry) => entry[0] === name);
  }

  /** The first value of a name, or undefined. */
  first(name: string): string | undefined {
    return this.entries.find((entry) => entry[0] === name)?.[1];
  }
}

/**
 * Parses `a=1&b&c=x%20y`. In a query string `+` stays `+` (regexes are full of them); in a form body it is a space.
 */
export function parseQueryParams(encoded: string, isForm: boolean): QueryParams {
  const entries: (readonly [string, string])[] = [];
  for (const part of encoded.split('&')) {
    if (part === '') continue;
    const spaced = isForm ? part.replaceAll('+', ' ') : part;
    const equals = spaced.indexOf('=');
    if (equals < 0) entries.push([percentDecode(spaced), '']);
    else entries.push([percentDecode(spaced.slice(0, equals)), percentDecode(spaced.slice(equals + 1))]);
  }
  return new QueryParams(entries);
}
