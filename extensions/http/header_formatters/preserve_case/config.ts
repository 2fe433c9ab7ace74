import type { PreserveCaseFormatterConfig } from '../../../../core/api/gen/envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case_pb.d.ts';
import { deepFreeze } from '../../../../core/base/deep_freeze.ts';
import type { PreserveCaseConfig } from '../../../../core/headers/header_spelling.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../../core/registry/factory_registry.ts';
import { HEADER_FORMATTER_CATEGORY } from '../../../../core/upstream/http1_header_format.ts';

/** PreserveCaseFormatterConfig.FormatterTypeOnEnvoyHeaders.PROPER_CASE */
const PROPER_CASE = 1;

/** envoy.http.stateful_header_formatters.preserve_case: names go out as they came in. Data for the codec, which does it. */
const factory: ExtensionFactory<PreserveCaseConfig, unknown, PreserveCaseConfig> = {
  category: HEADER_FORMATTER_CATEGORY,
  name: 'envoy.http.stateful_header_formatters.preserve_case',
  typeName: 'envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig',
  parse: (tracked) => {
    const message = tracked as PreserveCaseFormatterConfig;
    return deepFreeze({ capitalisesOthers: (message.formatterTypeOnEnvoyHeaders as number) === PROPER_CASE, forwardsReason: message.forwardReasonPhrase });
  },
  createFactory: (config) => config,
};

/** Adds the formatter to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
