import assert from 'node:assert';
import { TurnBuffer } from '../../../core/buffer/turn_buffer.ts';
import { ENTRY_WORDS, HeaderMap } from '../../../core/headers/header_map.ts';
import { FIRST_REGULAR_ID, HeaderId, HeaderNames } from '../../../core/headers/header_names.ts';

/** One change of a header map. */
export type HeaderOperation =
  | { readonly kind: 'set' | 'add' | 'append' | 'setBytes' | 'setByName'; readonly name: string; readonly value: string }
  | { readonly kind: 'remove' | 'removeFirst' | 'removeByName'; readonly name: string }
  | { readonly kind: 'setInteger'; readonly name: string; readonly number: number }
  | { readonly kind: 'setPath'; readonly value: string }
  | { readonly kind: 'retain' | 'copy' | 'clear' };

/** Names with a fast id, interned late (id >= 256), and never interned at start. */
export const MODEL_NAMES: readonly string[] = ['host', 'content-length', 'x-forwarded-for', 'cookie', 'late-0', 'late-299', 'late-300', 'never-1', 'never-2'];

function namesWithLateIds(): HeaderNames {
  const names = new HeaderNames();
  for (let i = 0; i <= 300; i++) names.intern(`late-${i}`);
  assert(names.intern('late-300') >= 256);
  return names;
}

const NAMES = namesWithLateIds();
const MEMORY = new Uint8Array(8 << 20);

/** Applies operations to a map and to a plain array of pairs, comparing after each. */
export function checkHeaderMap(operations: readonly HeaderOperation[]): void {
  const turn = new TurnBuffer(MEMORY, 0, MEMORY.length, 0, 0);
  // `never-*` stay unknown in one half of the runs, so that unknown names are met too.
  const names = operations.length % 2 === 0 ? NAMES : namesWithLateIds();
  let map = new HeaderMap(names, turn);
  let model: [string, string][] = [];
  let path = '';
  const replace = (name: string, value: string) => {
    const at = model.findIndex((pair) => pair[0] === name);
    if (at < 0) model.push([name, value]);
    else model = model.filter((pair, i) => i <= at || pair[0] !== name).map((pair, i) => (i === at ? [name, value] : pair));
  };
  for (const operation of operations) {
    switch (operation.kind) {
      case 'set':
        map.set(names.intern(operation.name), operation.value);
        replace(operation.name, operation.value);
        break;
      case 'setByName':
        map.setByName(operation.name, operation.value);
        replace(operation.name, operation.value);
        break;
      case 'setBytes':
        map.setBytes(names.intern(operation.name), Buffer.from(operation.value, 'latin1'), 0, operation.value.length);
        replace(operation.name, operation.value);
        break;
      case 'setInteger':
        map.setInteger(names.intern(operation.name), operation.number);
        replace(operation.name, String(operation.number));
        break;
      case 'add':
        map.add(names.intern(operation.name), operation.value);
        model.push([operation.name, operation.value]);
        break;
      case 'append': {
        map.appendBytes(names.intern(operation.name), Buffer.from(operation.value, 'latin1'), 0, operation.value.length);
        const first = model.find((pair) => pair[0] === operation.name);
        if (first === undefined) model.push([operation.name, operation.value]);
        else first[1] += `, ${operation.value}`;
        break;
      }
      case 'remove':
        map.remove(names.intern(operation.name));
        model = model.filter((pair) => pair[0] !== operation.name);
        break;
      case 'removeByName':
        map.removeByName(operation.name.toUpperCase());
        model = model.filter((pair) => pair[0] !== operation.name);
        break;
      case 'removeFirst': {
        const k = map.find(names.intern(operation.name));
        if (k >= 0) map.removeAt(k);
        const at = model.findIndex((pair) => pair[0] === operation.name);
        model = model.filter((_, i) => i !== at);
        break;
      }
      case 'setPath':
        map.setPath(operation.value);
        path = operation.value;
        break;
      case 'retain':
        map.retain();
        // Whatever the turn's memory holds from here on is not the map's business.
        turn.slab.fill(0xa5, 0, turn.position);
        break;
      case 'copy': {
        const copy = new HeaderMap(names, turn);
        copy.copyFrom(map);
        map = copy;
        break;
      }
      case 'clear':
        map.clear();
        model = [];
        path = '';
        break;
    }
    compare(map, model, path, names);
  }
}

function compare(map: HeaderMap, model: readonly [string, string][], path: string, names: HeaderNames): void {
  const pairs: [string, string][] = [];
  map.forEach((name, value) => pairs.push([name, value]));
  assert.deepEqual(pairs, model);
  assert.equal(map.get(HeaderId.path) ?? '', path);
  for (let k = 0; k < map.count * ENTRY_WORDS; k += ENTRY_WORDS) {
    const [line, end, nameLength, valueOffset, valueLength] = map.entries.subarray(k, k + ENTRY_WORDS);
    if (line < 0) continue;
    assert(line >= 0 && end <= map.bytes.length && valueOffset >= line + nameLength + 1 && valueOffset + valueLength <= end - 2, 'ranges lie inside the line');
    assert.equal(Buffer.from(map.bytes.subarray(end - 2, end)).toString(), '\r\n');
  }
  for (const name of MODEL_NAMES) {
    const values = model.filter((pair) => pair[0] === name).map((pair) => pair[1]);
    assert.equal(map.getByName(name), values.length === 0 ? undefined : values.join(','), `getByName ${name}`);
    const id = names.find(name);
    if (id < FIRST_REGULAR_ID) continue;
    assert.equal(map.get(id), values[0], `get ${name}`);
    let seen = 0;
    for (let k = map.find(id); k >= 0; k = map.findNext(id, k)) assert.equal(map.valueAt(k), values[seen++]);
    assert.equal(seen, values.length);
  }
}
