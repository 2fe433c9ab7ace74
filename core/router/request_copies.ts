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
  private shadows: ShadowRequest[];
  private backedUp: number;

  constructor(context: RouterContext, owner: CopiedRequest) {
    this.context = context;
    this.owner = owner;
    this.shadows = [];
    this.backedUp = 0;
  }

  /** Starts the copies that the policies ask for; `headers` as they go to the upstream. */
  begin(policies: readonly MirrorPolicy[], headers: HeaderMap, info: StreamInfo, timeoutMs: number, isHighPriority: boolean, endStream: boolean): void {
    for (const policy of policies) {
      const name = policy.isActive(info.random) ? policy.clusterName(headers) : '';
      const cluster = name === '' ? null : this.context.clusters.get(name);
      if (cluster === null) continue;
      const shadow = new ShadowRequest(this.context, this, policy, cluster, headers, info, timeoutMs);
      if (!endStream) this.shadows.push(shadow);
      shadow.begin(info.random, isHighPriority, endStream);
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
