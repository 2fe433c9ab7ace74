import type { HeaderMap } from '../headers/header_map.ts';
import type { MirrorPolicy } from '../route/mirror_policy.ts';
import type { StreamInfo } from '../stream_info/stream_info.ts';
import type { RouterContext } from './router_context.ts';
import { type ShadowOwner, ShadowRequest } from './shadow_request.ts';

/** Whose request is mirrored. */
export interface CopiedRequest {
  /** Some copy's upstream takes no more for now, so that the client should send no more. */
  onShadowsBackedUp(isAbove: boolean): void;
}

/**
 * The copies of one request: each gets what the original gets, as it comes. A mirror that is slow holds the request up, as one
 * that takes part in its sending; one that fails is forgotten. Made for the first mirrored request of a pooled router.
 */
export class RequestCopies implements ShadowOwner {
  private readonly context: RouterContext;
  private readonly owner: CopiedRequest;
  /** Made, and not sent yet. */
  private prepared: { readonly shadow: ShadowRequest; readonly random: number }[];
  private shadows: ShadowRequest[];
  private backedUp: number;

  constructor(context: RouterContext, owner: CopiedRequest) {
    this.context = context;
    this.owner = owner;
    this.prepared = [];
    this.shadows = [];
    this.backedUp = 0;
  }

  /** Makes the copies that the policies ask for, of `headers` as they are now. */
  prepare(policies: readonly MirrorPolicy[], headers: HeaderMap, info: StreamInfo, timeoutMs: number): void {
    this.prepared = [];
    for (const policy of policies) {
      const name = policy.isActive(info.random) ? policy.clusterName(headers) : '';
      const cluster = name === '' ? null : this.context.clusters.get(name);
      if (cluster === null) continue;
      this.prepared.push({ shadow: new ShadowRequest(this.context, this, policy, cluster, headers, info, timeoutMs), random: info.random });
    }
  }

  /** Sends what was prepared. */
  begin(isHighPriority: boolean, endStream: boolean): void {
    const { prepared } = this;
    this.prepared = [];
    for (const { shadow, random } of prepared) {
      if (!endStream) this.shadows.push(shadow);
      shadow.begin(random, isHighPriority, endStream);
    }
  }

  encodeData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void {
    for (const shadow of [...this.shadows]) shadow.encodeData(bytes, offset, length, endStream);
    if (endStream) this.release();
  }

  encodeTrailers(trailers: HeaderMap): void {
    for (const shadow of [...this.shadows]) shadow.encodeTrailers(trailers);
    this.release();
  }

  /** The original ends before its request is complete: so do the copies. */
  cancel(): void {
    const { shadows } = this;
    this.release();
    for (const shadow of shadows) shadow.cancel();
  }

  // === ShadowOwner ===

  onShadowBackpressure(isAbove: boolean): void {
    this.backedUp += isAbove ? 1 : -1;
    if (this.backedUp === (isAbove ? 1 : 0)) this.owner.onShadowsBackedUp(isAbove);
  }

  onShadowEnd(shadow: ShadowRequest): void {
    this.shadows = this.shadows.filter((other) => other !== shadow);
  }

  /** From here on the copies are on their own. */
  private release(): void {
    this.shadows = [];
    if (this.backedUp > 0) {
      this.backedUp = 0;
      this.owner.onShadowsBackedUp(false);
    }
  }
}
