import type { Descriptor } from '../../../core/api/gen/envoy/extensions/rate_limit_descriptors/expr/v3/expr_pb.d.ts';
import { CEL_FEATURES_OFF, compileCel } from '../../../core/formatter/cel_expression.ts';
import { celText } from '../../../core/formatter/cel_text.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import type { DescriptorProducer } from '../../../core/route/rate_limit_action.ts';
import { RATE_LIMIT_DESCRIPTOR_CATEGORY } from '../../../core/route/rate_limit_config.ts';

interface ExprConfig {
  readonly key: string;
  readonly text: string;
  readonly skipIfError: boolean;
}

/** envoy.rate_limit_descriptors.expr: the value is that of a CEL expression over the request (docs: api-v3/extensions/rate_limit_descriptors/expr). */
const factory: ExtensionFactory<ExprConfig, unknown, DescriptorProducer> = {
  category: RATE_LIMIT_DESCRIPTOR_CATEGORY,
  name: 'envoy.rate_limit_descriptors.expr',
  typeName: 'envoy.extensions.rate_limit_descriptors.expr.v3.Descriptor',
  parse: (tracked, context) => {
    const { descriptorKey, skipIfError, exprSpecifier } = tracked as Descriptor;
    const text = exprSpecifier.case === 'text' ? exprSpecifier.value : '';
    if (exprSpecifier.case === 'parsed') context.refuse(tracked, 'parsed', 'CEL expressions that were parsed already (say `text`)');
    else if (exprSpecifier.case === undefined) context.error(tracked, undefined, "Rate limit descriptor extension failed: expression specifier is not set");
    else {
      const compiled = compileCel(text);
      if (typeof compiled === 'string') context.error(tracked, 'text', compiled);
    }
    return Object.freeze({ key: descriptorKey, text, skipIfError });
  },
  createFactory: ({ key, text, skipIfError }) => {
    const expression = compileCel(text, CEL_FEATURES_OFF);
    if (typeof expression === 'string') throw new Error(`the expression of the descriptor ${key}: ${expression}`);
    return {
      key,
      value: (headers, info) => {
        const value = expression.evaluate({ requestHeaders: headers, responseHeaders: null, responseTrailers: null, info, logType: 0 });
        if (value === undefined) return skipIfError ? '' : null;
        return celText(value);
      },
    };
  },
};

/** Adds the descriptor to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
