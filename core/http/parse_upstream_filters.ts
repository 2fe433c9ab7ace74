import type { AnyMessage, ParseContext } from '../registry/parse_context.ts';

/** What ends every chain of upstream filters; alone it changes nothing. */
const UPSTREAM_CODEC = 'envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec';

/** An HTTP filter of a chain, as far as it matters here. */
interface FilterMessage {
  readonly configType: { readonly case: string | undefined; readonly value?: unknown };
}

/** Refuses a chain of upstream HTTP filters, which stands in `field` of `holder`, unless it is nothing but the codec. Thread: main. */
export function refuseUpstreamFilters(filters: readonly FilterMessage[], holder: object, field: string, context: ParseContext): void {
  const [first] = filters;
  if (first === undefined) return;
  const any = first.configType.case === 'typedConfig' ? (first.configType.value as AnyMessage) : undefined;
  const isCodec = any?.typeUrl.endsWith(`/${UPSTREAM_CODEC}`) === true;
  if (filters.length > 1 || !isCodec) context.refuse(holder, field, 'upstream HTTP filters');
  else context.consume(holder, field);
}
