import { RE2JS, RE2JSException } from 're2js';
import type { ConfigDumpItem, ConfigDumpSection, Instance, JsonObject } from '../../server/instance.ts';
import { flag, JSON_TYPE, streamReply, text, type AdminHandler, type AdminReply } from '../handler.ts';
import { jsonDocument, LazyList, LazyObject, type LazyJson } from '../json_pieces.ts';
import type { QueryParams } from '../query_params.ts';
import { fitsDump, fitsItem, hasListField, hasSingularField } from './config_dump_schema.ts';
import { applyFieldMask, parseFieldMask, type FieldMask } from './field_mask.ts';

const TYPE_PREFIX = 'type.googleapis.com/';

type NameTest = (name: string) => boolean;

/** `/config_dump`: the configuration as it is in force (envoy.admin.v3.ConfigDump), one resource at a time. */
export function configDumpHandler(instance: Instance): AdminHandler {
  return {
    path: '/config_dump',
    help: 'dump current Envoy configs (experimental)',
    mutates: false,
    params: [
      text('resource', 'The resource to dump'),
      text('mask', 'The mask to apply. When both resource and mask are specified, the mask is applied to every element in the '
        + 'desired repeated field so that only a subset of fields are returned. The mask is parsed as a Protobuf::FieldMask'),
      text('name_regex', 'Dump only the currently loaded configurations whose names match the specified regex. '
        + 'Can be used with both resource and mask query parameters.'),
      flag('include_eds', 'Dump currently loaded configuration including EDS. See the response definition for more information'),
    ],
    handle: ({ params }) => answer(instance, params),
  };
}

async function answer(instance: Instance, params: QueryParams): Promise<AdminReply> {
  const resource = params.first('resource') ?? '';
  const maskText = params.first('mask') ?? '';
  const regex = params.first('name_regex') ?? '';
  const accepts = compileNameTest(regex);
  if (typeof accepts === 'string') {
    return refuse(400, `INVALID_ARGUMENT: Error while parsing name_regex from ${regex}: ${accepts}`);
  }
  const sections = [...(await instance.configDump(params.has('include_eds')))].sort((a, b) => (a.key < b.key ? -1 : 1));
  if (resource !== '') return dumpResource(sections, resource, maskText, accepts);
  return dumpAll(sections, maskText, accepts);
}

/** All sections, or those that the mask fits. */
function dumpAll(sections: readonly ConfigDumpSection[], maskText: string, accepts: NameTest): AdminReply {
  if (maskText === '') return streamReply(JSON_TYPE, configsDocument(sections.map((section) => sectionJson(section, undefined, accepts))));
  const mask = parseFieldMask(maskText);
  const fitting = sections.filter((section) => mask.every((path) => fitsDump(section.typeName, path)));
  if (fitting.length === 0) return refuse(400, `FieldMask ${maskText} could not be successfully applied to any configs.`);
  return streamReply(JSON_TYPE, configsDocument(fitting.map((section) => sectionJson(section, mask, accepts))));
}

/** The items of one repeated field. */
function dumpResource(sections: readonly ConfigDumpSection[], resource: string, maskText: string, accepts: NameTest): AdminReply {
  const section = sections.find(({ typeName }) => hasListField(typeName, resource) || hasSingularField(typeName, resource));
  if (section === undefined) return refuse(404, `${resource} not found in config dump`);
  if (!hasListField(section.typeName, resource)) {
    return refuse(400, `${resource} is not a repeated field. Use ?mask=${resource} to get only this field`);
  }
  const mask = maskText === '' ? undefined : parseFieldMask(maskText);
  if (mask !== undefined && !mask.every(fitsItem)) {
    const paths = mask.map((path) => `paths: ${JSON.stringify(path.join('.'))}\n`).join('');
    return refuse(400, `FieldMask ${paths} could not be successfully used.`);
  }
  const list = section.lists.find((candidate) => candidate.field === resource);
  const items = list === undefined ? [] : list.items.filter((item) => accepts(item.name));
  if (list === undefined || items.length === 0) return streamReply(JSON_TYPE, configsDocument([]));
  const configs = new LazyList(function* () {
    for (const item of items) yield { '@type': TYPE_PREFIX + list.itemTypeName, ...maskedItem(item, mask) };
  });
  return streamReply(JSON_TYPE, jsonDocument(new LazyObject(() => [['configs', configs]])));
}

function configsDocument(configs: readonly LazyJson[]): Iterable<string> {
  return jsonDocument(new LazyObject(() => (configs.length === 0 ? [] : [['configs', new LazyList(() => configs)]])));
}

/** One dump message: `version_info`, then the lists, then what else is set. */
function sectionJson(section: ConfigDumpSection, mask: FieldMask | undefined, accepts: NameTest): LazyJson {
  return new LazyObject(function* () {
    yield ['@type', TYPE_PREFIX + section.typeName];
    const all = section.fields();
    const fields: JsonObject = mask === undefined ? all : applyFieldMask(all, mask);
    if (fields['version_info'] !== undefined) yield ['version_info', fields['version_info']];
    for (const list of section.lists) {
      if (mask !== undefined && !mask.some((path) => path[0] === list.field)) continue;
      const items = list.items.filter((item) => accepts(item.name));
      if (items.length > 0) yield [list.field, itemsJson(items)];
    }
    for (const [field, value] of Object.entries(fields)) if (field !== 'version_info') yield [field, value];
  });
}

function itemsJson(items: readonly ConfigDumpItem[]): LazyJson {
  return new LazyList(function* () {
    for (const item of items) yield item.json();
  });
}

function maskedItem(item: ConfigDumpItem, mask: FieldMask | undefined): JsonObject {
  return mask === undefined ? item.json() : applyFieldMask(item.json(), mask);
}

/** Tests whole names; the error text for a bad regex. */
function compileNameTest(regex: string): NameTest | string {
  if (regex === '') return () => true;
  try {
    const compiled = RE2JS.compile(regex);
    return (name) => compiled.matches(name);
  } catch (error) {
    if (error instanceof RE2JSException) return error.message;
    throw error;
  }
}

function refuse(status: number, body: string): AdminReply {
  return { status, contentType: 'text/plain', body: [body], afterSent: undefined };
}
