import type { Instance } from '../../server/instance.ts';
import { JSON_TYPE, streamReply, text, type AdminHandler } from '../handler.ts';
import { jsonDocument } from '../json_pieces.ts';

/** `/init_dump`: what the server still waits for before it takes traffic. */
export function initDumpHandler(instance: Instance): AdminHandler {
  return {
    path: '/init_dump',
    help: 'dump current Envoy init manager information (experimental)',
    mutates: false,
    params: [
      text('mask', 'The desired component to dump unready targets. The mask is parsed as a Protobuf::FieldMask. '
        + 'For example, get the unready targets of all listeners with /init_dump?mask=listener`'),
    ],
    handle({ params }) {
      const mask = params.first('mask');
      // 'listener' is the one component with targets of its own.
      const wanted = mask === undefined || mask === '' || mask.split(',').includes('listener');
      const dumps = wanted
        ? instance.unreadyTargets().map((targets) => ({ name: targets.name, target_names: targets.targetNames }))
        : [];
      return streamReply(JSON_TYPE, jsonDocument(dumps.length > 0 ? { unready_targets_dumps: dumps } : {}));
    },
  };
}
