import type { XxHash64 } from '../base/xxhash64.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderId } from '../headers/header_names.ts';
import type { HashPolicy } from '../route/hash_policy.ts';
import type { StreamInfo } from '../stream_info/stream_info.ts';

/** What one request is balanced by, and the cookies made for it. One per pooled router. */
export class RequestHash {
  /** Set-Cookie values that hash policies made. */
  private cookies: string[];

  constructor() {
    this.cookies = NO_COOKIES;
  }

  /** The hash by the policies of cluster or route; null = none. Allocates. */
  compute(policy: HashPolicy | null, headers: HeaderMap, info: StreamInfo): XxHash64 | null {
    if (policy === null) return null;
    const cookies: string[] = [];
    const hasHash = policy.compute(headers, info, cookies);
    if (cookies.length > 0) this.cookies = cookies;
    return hasHash ? policy.hash : null;
  }

  /** Hands the cookies to the client. */
  addCookies(response: HeaderMap): void {
    const { cookies } = this;
    for (let i = 0; i < cookies.length; i++) response.add(HeaderId.setCookie, cookies[i]);
  }

  clear(): void {
    this.cookies = NO_COOKIES;
  }
}

const NO_COOKIES: string[] = [];
