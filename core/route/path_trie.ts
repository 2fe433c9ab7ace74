import { ANYTHING, lowerByte, type PathOutline, WITHIN_SEGMENT } from './regex_shape.ts';

const SLASH = 47;
const NONE = -1;

/** Decides about a route whose path is (or may be, see `PathTrie`) right. */
export interface CandidateCheck<Input> {
  /** Whether route number `route` matches the request. */
  accepts(route: number, input: Input): boolean;
}

/** A node while the trie is being built. */
class BuildNode {
  label: number[];
  readonly children = new Map<number, BuildNode>();
  segment: BuildNode | null = null;
  /** Routes for which the rest of the path is free, and those for which the path must end here. */
  open: number[] = [];
  end: number[] = [];

  constructor(label: number[]) {
    this.label = label;
  }
}

/**
 * Finds the first route, in the order of the configuration, among those whose path outline fits: a radix trie over bytes, with
 * edges that skip the rest of a segment. Nodes are rows of typed arrays, edges a hash table: 10,000 routes take about 1 MB.
 * Cost of a look-up: proportional to the path's length and to the candidates asked, whatever the number of routes.
 *
 * An outline of literal bytes is exact; one with WITHIN_SEGMENT is wider than its pattern (what follows it within the segment is
 * ignored), as is everything before ANYTHING: such candidates must be checked. Backward tries read path and outline from the end.
 */
export class PathTrie<Input> {
  private readonly ignoreCase: boolean;
  private readonly step: 1 | -1;
  private readonly labels: Uint8Array;
  /** Six words per node: label offset and length (first byte left out), segment child, ends of its `open` and `end` routes in `items`; `open` begins where the previous node ends. */
  private readonly nodes: Int32Array;
  private readonly items: Int32Array;
  /** Open addressing: key (node * 256 + byte) and child. */
  private readonly edges: Int32Array;
  private readonly edgeShift: number;
  private readonly edgeMask: number;

  /** `routes` are pairs of a route's number and one of its outlines, ascending by number. Case is ignored for ASCII letters. */
  constructor(routes: readonly (readonly [route: number, outline: PathOutline])[], ignoreCase: boolean, isBackward: boolean) {
    this.ignoreCase = ignoreCase;
    this.step = isBackward ? -1 : 1;
    const root = new BuildNode([]);
    for (const [route, outline] of routes) insert(root, isBackward ? outline.toReversed() : outline, route, ignoreCase);
    const flat = flatten(root);
    this.labels = Uint8Array.from(flat.labels);
    this.nodes = Int32Array.from(flat.nodes);
    this.items = Int32Array.from(flat.items);
    let bits = 3;
    while (1 << bits < flat.edges.length) bits++;
    this.edgeShift = 32 - bits;
    this.edgeMask = (1 << bits) - 1;
    this.edges = new Int32Array(2 << bits).fill(NONE);
    for (let i = 0; i < flat.edges.length; i += 2) {
      let slot = Math.imul(flat.edges[i], HASH) >>> this.edgeShift;
      while (this.edges[slot * 2] !== NONE) slot = (slot + 1) & this.edgeMask;
      this.edges[slot * 2] = flat.edges[i];
      this.edges[slot * 2 + 1] = flat.edges[i + 1];
    }
  }

  /** The lowest number below `best` among the fitting routes that `check` accepts for `bytes[offset, offset + length)`, else `best`. */
  find(bytes: Uint8Array, offset: number, length: number, best: number, check: CandidateCheck<Input>, input: Input): number {
    return this.visit(0, bytes, this.step === 1 ? offset : offset + length - 1, length, best, check, input);
  }

  /** `left` bytes remain from `p` on, in the direction of the walk. Longer outlines are asked first: they tend to stand first. */
  private visit(node: number, bytes: Uint8Array, p: number, left: number, best: number, check: CandidateCheck<Input>, input: Input): number {
    const nodes = this.nodes;
    const row = node * ROW;
    if (left > 0) {
      const child = this.child(node, this.byteAt(bytes, p));
      if (child !== NONE) {
        const length = nodes[child * ROW + 1];
        if (length < left && this.hasLabel(nodes[child * ROW], length, bytes, p + this.step)) {
          best = this.visit(child, bytes, p + this.step * (length + 1), left - length - 1, best, check, input);
        }
      }
    }
    const segment = nodes[row + 2];
    if (segment !== NONE) {
      let q = p;
      let rest = left;
      while (rest > 0 && bytes[q] !== SLASH) {
        q += this.step;
        rest--;
      }
      best = this.visit(segment, bytes, q, rest, best, check, input);
    }
    if (left === 0) best = this.first(nodes[row + 4], nodes[row + 5], best, check, input);
    return this.first(nodes[row + 3], nodes[row + 4], best, check, input);
  }

  private first(from: number, to: number, best: number, check: CandidateCheck<Input>, input: Input): number {
    const items = this.items;
    for (let i = from; i < to; i++) {
      const route = items[i];
      if (route >= best) break;
      if (check.accepts(route, input)) return route;
    }
    return best;
  }

  private child(node: number, byte: number): number {
    const edges = this.edges;
    const key = (node << 8) | byte;
    let slot = Math.imul(key, HASH) >>> this.edgeShift;
    for (;;) {
      const found = edges[slot * 2];
      if (found === key) return edges[slot * 2 + 1];
      if (found === NONE) return NONE;
      slot = (slot + 1) & this.edgeMask;
    }
  }

  private hasLabel(at: number, length: number, bytes: Uint8Array, p: number): boolean {
    const labels = this.labels;
    for (let i = 0; i < length; i++, p += this.step) if (this.byteAt(bytes, p) !== labels[at + i]) return false;
    return true;
  }

  private byteAt(bytes: Uint8Array, p: number): number {
    const byte = bytes[p];
    return this.ignoreCase && byte >= 65 && byte <= 90 ? byte + 32 : byte;
  }
}

/** Words per node. */
const ROW = 6;
/** Golden ratio: spreads consecutive keys. */
const HASH = 0x9e3779b1 | 0;

function insert(root: BuildNode, outline: PathOutline, route: number, ignoreCase: boolean): void {
  let node = root;
  let i = 0;
  while (i < outline.length) {
    const element = outline[i];
    if (element === ANYTHING) {
      addTo(node.open, route);
      return;
    }
    if (element === WITHIN_SEGMENT) {
      node.segment ??= new BuildNode([]);
      node = node.segment;
      // The walk goes to the segment's end: so does the outline.
      while (i < outline.length && outline[i] !== SLASH && outline[i] !== ANYTHING) i++;
      continue;
    }
    let stop = i;
    while (stop < outline.length && outline[stop] >= 0) stop++;
    node = literalChild(node, ignoreCase ? outline.slice(i, stop).map(lowerByte) : outline.slice(i, stop));
    i = stop;
  }
  addTo(node.end, route);
}

function addTo(routes: number[], route: number): void {
  // Several outlines of one route may end at one node.
  if (routes.at(-1) !== route) routes.push(route);
}

/** The node below `node` after the literal bytes, splitting edges where they part. */
function literalChild(node: BuildNode, literal: readonly number[]): BuildNode {
  let at = 0;
  for (;;) {
    if (at === literal.length) return node;
    const child = node.children.get(literal[at]);
    if (child === undefined) {
      const leaf = new BuildNode(literal.slice(at));
      node.children.set(literal[at], leaf);
      return leaf;
    }
    let same = 1;
    while (same < child.label.length && at + same < literal.length && child.label[same] === literal[at + same]) same++;
    if (same < child.label.length) {
      const upper = new BuildNode(child.label.slice(0, same));
      child.label = child.label.slice(same);
      upper.children.set(child.label[0], child);
      node.children.set(upper.label[0], upper);
      node = upper;
    } else {
      node = child;
    }
    at += same;
  }
}

function flatten(root: BuildNode): { labels: number[]; nodes: number[]; items: number[]; edges: number[] } {
  const labels: number[] = [];
  const nodes: number[] = [];
  const items: number[] = [];
  const edges: number[] = [];
  const queue = [root];
  // Breadth first: the nodes of short paths, which all look-ups pass, lie together.
  for (let i = 0; i < queue.length; i++) {
    const node = queue[i];
    nodes.push(labels.length, Math.max(0, node.label.length - 1), node.segment === null ? NONE : queue.length);
    for (let k = 1; k < node.label.length; k++) labels.push(node.label[k]);
    if (node.segment !== null) queue.push(node.segment);
    for (const [byte, child] of node.children) {
      edges.push((i << 8) | byte, queue.length);
      queue.push(child);
    }
    nodes.push(items.length);
    for (const route of node.open) items.push(route);
    nodes.push(items.length);
    for (const route of node.end) items.push(route);
    nodes.push(items.length);
  }
  return { labels, nodes, items, edges };
}
