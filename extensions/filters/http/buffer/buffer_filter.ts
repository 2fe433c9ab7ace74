import type { BodyData } from '../../../../core/buffer/body_data.ts';
import type { HeaderMap } from '../../../../core/headers/header_map.ts';
import { HeaderId } from '../../../../core/headers/header_names.ts';
import { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus, type FilterCallbacks, type HttpFilter } from '../../../../core/http/filter.ts';

/** How much of a request is kept; 0 = the filter is off (on that route). */
export interface BufferConfig {
  readonly maxRequestBytes: number;
}

/** Waits for the whole request before it goes on, and gives it a content-length. Larger requests are answered with 413. */
export class BufferFilter implements HttpFilter {
  private readonly config: BufferConfig;
  private callbacks: FilterCallbacks | null;
  /** Headers that wait for their body; null = this stream is not buffered. */
  private headers: HeaderMap | null;
  private maxBytes: number;
  private bufferedBytes: number;

  constructor(config: BufferConfig) {
    this.config = config;
    this.callbacks = null;
    this.headers = null;
    this.maxBytes = 0;
    this.bufferedBytes = 0;
  }

  setCallbacks(callbacks: FilterCallbacks): void {
    this.callbacks = callbacks;
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    const callbacks = this.callbacks;
    if (endStream || callbacks === null) return FilterHeadersStatus.continue;
    const config = (callbacks.routeConfig() as BufferConfig | undefined) ?? this.config;
    if (config.maxRequestBytes === 0) return FilterHeadersStatus.continue;
    callbacks.setDecoderBufferLimit(config.maxRequestBytes);
    this.maxBytes = config.maxRequestBytes;
    this.headers = headers;
    return FilterHeadersStatus.stopIteration;
  }

  decodeData(data: BodyData, endStream: boolean): FilterDataStatus {
    if (this.headers === null) return FilterDataStatus.continue;
    this.bufferedBytes += data.length;
    // The last piece too is refused when it is one too many: the stream's buffer knows its limit.
    if (!endStream || this.bufferedBytes > this.maxBytes) return FilterDataStatus.stopIterationAndBuffer;
    this.addContentLength(this.headers);
    return FilterDataStatus.continue;
  }

  decodeTrailers(): FilterTrailersStatus {
    if (this.headers !== null) this.addContentLength(this.headers);
    return FilterTrailersStatus.continue;
  }

  onDestroy(): void {
    this.headers = null;
    this.bufferedBytes = 0;
  }

  private addContentLength(headers: HeaderMap): void {
    if (headers.find(HeaderId.contentLength) < 0) headers.setInteger(HeaderId.contentLength, this.bufferedBytes);
  }
}
