import type { Instance } from '../../server/instance.ts';
import { JSON_TYPE, streamReply, textReply, type AdminHandler } from '../handler.ts';
import { jsonDocument, LazyObject } from '../json_pieces.ts';

/** `/runtime`: the layers and what each says per key. */
export function runtimeHandler(instance: Instance): AdminHandler {
  return {
    path: '/runtime',
    help: 'print runtime values',
    mutates: false,
    params: [],
    handle: () => streamReply(JSON_TYPE, jsonDocument(new LazyObject(function* () {
      yield ['entries', new LazyObject(function* () {
        for (const entry of instance.runtime.entries()) {
          yield [entry.key, { layer_values: entry.layerValues, final_value: entry.finalValue }];
        }
      })];
      yield ['layers', instance.runtime.layers];
    }))),
  };
}

/** `/runtime_modify`: sets or removes values in the admin layer. */
export function runtimeModifyHandler(instance: Instance): AdminHandler {
  return {
    path: '/runtime_modify',
    help: 'Adds or modifies runtime values as passed in query parameters. To delete a previously added key, use an empty string '
      + 'as the value. Note that deletion only applies to overrides added via this endpoint; values loaded from disk can be '
      + 'modified via override but not deleted. E.g. ?key1=value1&key2=value2...',
    mutates: true,
    params: [],
    handle({ params }) {
      if (params.entries.length === 0) {
        return textReply('usage: /runtime_modify?key1=value1&key2=value2&keyN=valueN\n'
          + '       or send the parameters as form values\n'
          + 'use an empty value to remove a previously added override', 400);
      }
      const { runtime } = instance;
      const error = runtime.hasAdminLayer ? runtime.modify(new Map(params.entries)) : 'No admin layer specified';
      return error === undefined ? textReply('OK\n') : textReply(error, 503);
    },
  };
}
