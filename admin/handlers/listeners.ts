import type { Instance, ListenerStatus } from '../../server/instance.ts';
import { choice, JSON_TYPE, streamReply, TEXT, type AdminHandler, type BodyPieces } from '../handler.ts';
import { jsonDocument, LazyList, LazyObject, withoutUndefined, type LazyJson } from '../json_pieces.ts';

/** `/listeners`: names and bound addresses, as `name::address` lines or as envoy.admin.v3.Listeners. */
export function listenersHandler(instance: Instance): AdminHandler {
  return {
    path: '/listeners',
    help: 'print listener info',
    mutates: false,
    params: [choice('format', 'File format to use', ['text', 'json'])],
    handle(request) {
      const listeners = instance.listeners();
      if (request.params.first('format') === 'json') return streamReply(JSON_TYPE, jsonDocument(listenersJson(listeners)));
      return streamReply(TEXT, listenersText(listeners));
    },
  };
}

function* listenersText(listeners: readonly ListenerStatus[]): BodyPieces {
  for (const listener of listeners) {
    for (const address of listener.addresses) yield `${listener.name}::${address.text}\n`;
  }
}

function listenersJson(listeners: readonly ListenerStatus[]): LazyJson {
  return new LazyObject(function* () {
    if (listeners.length === 0) return;
    yield ['listener_statuses', new LazyList(function* () {
      for (const listener of listeners) {
        const more = listener.addresses.slice(1).map((address) => address.json);
        yield withoutUndefined({
          name: listener.name,
          local_address: listener.addresses[0]?.json,
          additional_local_addresses: more.length > 0 ? more : undefined,
        });
      }
    })];
  });
}
