import type { HeaderMap } from '../../headers/header_map.ts';
import type { RouteTable } from '../../route/route_table.ts';
import type { StreamInfo } from '../../stream_info/stream_info.ts';
import { mutateEarly } from './early_mutation.ts';
import { mutateRequestHeaders } from './header_sanitizer.ts';
import type { ManagerContext } from './manager_context.ts';
import { checkRequest, normalizeRequest, RequestCheck } from './request_check.ts';
import { refuseRequest, type RefusableStream } from './request_refusal.ts';

/** A stream whose request has just arrived. */
export interface ArrivingStream extends RefusableStream {
  readonly context: ManagerContext;
  readonly info: StreamInfo;
  readonly routeTable: RouteTable;
}

/** Where an arriving request comes from. */
export interface ArrivingOwner {
  readonly codec: { readonly minorVersion: number };
}

/**
 * Between the codec and the route: checks the request, changes it as the connection manager is told to, finds out who sent it.
 * Returns false when it was answered instead.
 */
export function admitRequest(stream: ArrivingStream, owner: ArrivingOwner, headers: HeaderMap, keepsUpgrade: boolean): boolean {
  const { context, info } = stream;
  const { config, earlyMutations, listenerPort } = context.parts;
  let check = checkRequest(headers, owner.codec.minorVersion, config);
  if (check === RequestCheck.ok) {
    if (earlyMutations.length > 0) mutateEarly(context, info, headers);
    check = normalizeRequest(headers, config, listenerPort);
  }
  if (check !== RequestCheck.ok) {
    refuseRequest(stream, check);
    return false;
  }
  const rejectedWith = mutateRequestHeaders(headers, context, info, stream.routeTable, keepsUpgrade);
  if (rejectedWith > 0) {
    stream.sendLocalReply(rejectedWith, '', DETECTION_FAILED);
    return false;
  }
  if (config.schemeMatchesUpstream) info.schemeMatchesUpstream = true;
  return true;
}

/** The same for a request that goes elsewhere after an internal redirect: who sent it is known. */
export function admitAgain(stream: ArrivingStream, headers: HeaderMap): boolean {
  const { config, listenerPort } = stream.context.parts;
  let check = checkRequest(headers, 1, config);
  if (check === RequestCheck.ok) check = normalizeRequest(headers, config, listenerPort);
  if (check === RequestCheck.ok) return true;
  refuseRequest(stream, check);
  return false;
}

const DETECTION_FAILED = { details: 'rejecting_because_detection_failed' } as const;
