import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ConfigNode, MapEntry } from '../../core/api/config_node.ts';
import type { SourceRange, SourceText } from '../../core/api/source_text.ts';

/**
 * A ConfigNode graph as two flat arrays, for the way between threads. Cloning the graph itself would stall the receiver for a
 * third of the time that parsing takes; these arrays arrive in a few milliseconds and are opened in slices.
 */
export interface NodeTable {
  /**
   * One record per node, children before parents, the root last: code, start, end, then by code: a string's index in `strings`;
   * a list's length and the numbers of its items; a map's length and per entry key index, key start, key end, number of the value.
   * A node's number is the position of its record, so a shared node stays one node.
   */
  readonly records: Int32Array;
  /** Every different string once. */
  readonly strings: readonly string[];
}

const NULL = 0;
const FALSE = 1;
const TRUE = 2;
const STRING = 3;
const NUMBER = 4;
const LIST = 5;
const MAP = 6;

/** Opened per loop turn: about 3 ms. */
const NODES_PER_TURN = 4096;

/** Flattens a graph without cycles. Thread: any. */
export function encodeNodes(root: ConfigNode): NodeTable {
  const encoder = new NodeEncoder();
  encoder.visit(root);
  return { records: Int32Array.from(encoder.records), strings: encoder.strings };
}

class NodeEncoder {
  readonly records: number[] = [];
  readonly strings: string[] = [];
  private readonly stringIndexes = new Map<string, number>();
  private readonly nodeNumbers = new Map<ConfigNode, number>();

  /** Appends the node and what it holds, unless it is there already. Returns its number. */
  visit(node: ConfigNode): number {
    const known = this.nodeNumbers.get(node);
    if (known !== undefined) return known;
    switch (node.kind) {
      case 'map': {
        const values = node.entries.map((entry) => this.visit(entry.value));
        this.begin(MAP, node.range);
        this.records.push(values.length);
        for (const [index, entry] of node.entries.entries()) {
          this.records.push(this.stringIndex(entry.key), entry.keyRange.start, entry.keyRange.end, values[index]);
        }
        break;
      }
      case 'list': {
        const items = node.items.map((item) => this.visit(item));
        this.begin(LIST, node.range);
        this.records.push(items.length);
        for (const item of items) this.records.push(item);
        break;
      }
      case 'string':
        this.begin(STRING, node.range);
        this.records.push(this.stringIndex(node.text));
        break;
      case 'number':
        this.begin(NUMBER, node.range);
        this.records.push(this.stringIndex(node.text));
        break;
      case 'bool':
        this.begin(node.value ? TRUE : FALSE, node.range);
        break;
      case 'null':
        this.begin(NULL, node.range);
        break;
    }
    const number = this.nodeNumbers.size;
    this.nodeNumbers.set(node, number);
    return number;
  }

  private begin(code: number, range: SourceRange): void {
    this.records.push(code, range.start, range.end);
  }

  private stringIndex(text: string): number {
    const known = this.stringIndexes.get(text);
    if (known !== undefined) return known;
    const index = this.strings.length;
    this.strings.push(text);
    this.stringIndexes.set(text, index);
    return index;
  }
}

/**
 * The graph that was flattened, its ranges in `source`; lets the loop turn while it works.
 * Rejects with an Error on a table that `encodeNodes` did not make.
 */
export async function decodeNodes(table: NodeTable, source: SourceText): Promise<ConfigNode> {
  const decoder = new NodeDecoder(table, source);
  while (!decoder.readNodes(NODES_PER_TURN)) await nextTurn();
  return decoder.root();
}

class NodeDecoder {
  private readonly records: Int32Array;
  private readonly strings: readonly string[];
  private readonly source: SourceText;
  private readonly nodes: ConfigNode[] = [];
  private at = 0;

  constructor(table: NodeTable, source: SourceText) {
    this.records = table.records;
    this.strings = table.strings;
    this.source = source;
  }

  /** Opens up to `limit` more nodes. True once all are open. */
  readNodes(limit: number): boolean {
    for (let i = 0; i < limit && this.at < this.records.length; i++) this.nodes.push(this.readNode());
    return this.at >= this.records.length;
  }

  root(): ConfigNode {
    const root = this.nodes.at(-1);
    if (root === undefined) throw new Error('a node table without nodes');
    return root;
  }

  private readNode(): ConfigNode {
    const code = this.next();
    const range = this.readRange();
    switch (code) {
      case NULL:
        return { kind: 'null', range };
      case FALSE:
      case TRUE:
        return { kind: 'bool', value: code === TRUE, range };
      case STRING:
        return { kind: 'string', text: this.strings[this.next()], range };
      case NUMBER:
        return { kind: 'number', text: this.strings[this.next()], range };
      case LIST:
        return { kind: 'list', items: this.readItems(), range };
      case MAP:
        return { kind: 'map', entries: this.readEntries(), range };
      default:
        throw new Error(`node code ${code} at ${this.at} of a node table`);
    }
  }

  private readItems(): ConfigNode[] {
    const items: ConfigNode[] = [];
    for (let left = this.next(); left > 0; left--) items.push(this.nodes[this.next()]);
    return items;
  }

  private readEntries(): MapEntry[] {
    const entries: MapEntry[] = [];
    for (let left = this.next(); left > 0; left--) {
      const key = this.strings[this.next()];
      const keyRange = this.readRange();
      entries.push({ key, keyRange, value: this.nodes[this.next()] });
    }
    return entries;
  }

  private readRange(): SourceRange {
    const start = this.next();
    return { source: this.source, start, end: this.next() };
  }

  private next(): number {
    return this.records[this.at++];
  }
}
