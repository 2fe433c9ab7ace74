import { defineEntry } from './config_tree.ts';
import type { SourceRange } from './source_text.ts';

/**
 * A configuration text as plain values with their ranges, before any message type is known: what the YAML and the JSON reader
 * produce and the message converter consumes. Anchored YAML nodes are shared, so this is a graph without cycles.
 */
export type ConfigNode = MapNode | ListNode | StringNode | NumberNode | BoolNode | NullNode;

/** A map; keys are unique (a repeated key's last value has won). */
export interface MapNode {
  readonly kind: 'map';
  readonly entries: MapEntry[];
  readonly range: SourceRange;
}

/** One key with its value. */
export interface MapEntry {
  readonly key: string;
  readonly keyRange: SourceRange;
  readonly value: ConfigNode;
}

/** A sequence. */
export interface ListNode {
  readonly kind: 'list';
  readonly items: ConfigNode[];
  readonly range: SourceRange;
}

/** A string, or a YAML scalar that is to be treated as one. */
export interface StringNode {
  readonly kind: 'string';
  readonly text: string;
  readonly range: SourceRange;
}

/** A number, as JSON text: 64-bit values keep all their digits. */
export interface NumberNode {
  readonly kind: 'number';
  readonly text: string;
  readonly range: SourceRange;
}

/** true or false. */
export interface BoolNode {
  readonly kind: 'bool';
  readonly value: boolean;
  readonly range: SourceRange;
}

/** Nothing: treated as if the field were not there. */
export interface NullNode {
  readonly kind: 'null';
  readonly range: SourceRange;
}

/** What a node is called in messages. */
export function describeNode(node: ConfigNode): string {
  switch (node.kind) {
    case 'map':
      return 'a map';
    case 'list':
      return 'a list';
    case 'string':
      return `the string ${JSON.stringify(shorten(node.text))}`;
    case 'number':
      return `the number ${node.text}`;
    case 'bool':
      return `the boolean ${node.value}`;
    case 'null':
      return 'null';
  }
}

/** The node as JSON text, for Struct values and for messages. Bounded: `limit` characters, then an ellipsis. */
export function nodeToJson(node: ConfigNode, limit: number): string {
  const text = JSON.stringify(nodeToValue(node, 0)) ?? 'null';
  return text.length > limit ? `${text.slice(0, limit)}…` : text;
}

/** A JSON value. */
export type PlainValue = null | boolean | number | string | PlainValue[] | { [key: string]: PlainValue };

/** The node as a plain JSON value. Throws RangeError below depth 100. */
export function nodeToValue(node: ConfigNode, depth: number): PlainValue {
  if (depth > 100) throw new RangeError('nested too deeply');
  switch (node.kind) {
    case 'map': {
      const value: { [key: string]: PlainValue } = {};
      for (const entry of node.entries) defineEntry(value, entry.key, nodeToValue(entry.value, depth + 1));
      return value;
    }
    case 'list':
      return node.items.map((item) => nodeToValue(item, depth + 1));
    case 'string':
      return node.text;
    case 'number':
      return Number(node.text);
    case 'bool':
      return node.value;
    case 'null':
      return null;
  }
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
