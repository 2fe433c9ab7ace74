/** The first value of a query parameter of a path, undecoded; undefined when it is not there, '' when it has no value. */
export function queryParameterValue(path: string, name: string): string | undefined {
  const question = path.indexOf('?');
  if (question < 0) return undefined;
  const hash = path.indexOf('#', question);
  const end = hash < 0 ? path.length : hash;
  for (let p = question + 1; p < end;) {
    let stop = path.indexOf('&', p);
    if (stop < 0 || stop > end) stop = end;
    const equals = path.indexOf('=', p);
    const nameEnd = equals < 0 || equals > stop ? stop : equals;
    if (nameEnd - p === name.length && path.startsWith(name, p)) return path.slice(nameEnd === stop ? stop : nameEnd + 1, stop);
    p = stop + 1;
  }
  return undefined;
}
