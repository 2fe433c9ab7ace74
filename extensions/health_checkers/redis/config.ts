import type { Redis } from '../../../core/api/gen/envoy/extensions/health_checkers/redis/v3/redis_pb.d.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import { type CustomCheck, type CustomHealthChecker, HEALTH_CHECKER_CATEGORY } from '../../../core/upstream/health_prober.ts';
import { RedisProber } from './redis_prober.ts';

/** envoy.health_checkers.redis. */
export interface RedisCheck extends CustomCheck {
  /** Must not exist; '' = PING instead. */
  readonly key: string;
}

const factory: ExtensionFactory<RedisCheck, undefined, CustomHealthChecker> = {
  category: HEALTH_CHECKER_CATEGORY,
  name: 'envoy.health_checkers.redis',
  typeName: 'envoy.extensions.health_checkers.redis.v3.Redis',
  parse: (message, context) => {
    const redis = message as Redis;
    if (redis.awsIam !== undefined) context.refuse(redis, 'aws_iam', 'IAM authentication of AWS');
    return { checkerType: 'REDIS', key: redis.key };
  },
  createFactory: ({ key }) => ({ createProber: (context, listener) => new RedisProber(key, context, listener) }),
};

/** Adds the checker to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
