import type { LogContext } from '../../access_log/access_log.ts';
import { compileLogFilter, type LogFilter } from '../../access_log/access_log_filter.ts';
import type { BodyFormatConfig } from '../../formatter/format_config.ts';
import type { FormatEnvironment } from '../../formatter/format_environment.ts';
import { compileFormat, compileHeaderValue, type Formatter } from '../../formatter/formatter.ts';
import type { HeaderMap } from '../../headers/header_map.ts';
import { HeaderMutator } from '../../headers/header_mutation.ts';
import type { HeaderNames } from '../../headers/header_names.ts';
import type { RuntimeSnapshot } from '../../runtime/runtime_snapshot.ts';
import type { ConnectionManagerConfig, LocalReplyMapperConfig } from './config.ts';
import type { LocalReplyRewriter, RewrittenReply } from './local_reply.ts';

/** A body format with its content type. */
class BodyFormat {
  readonly formatter: Formatter;
  readonly contentType: string;

  constructor(config: BodyFormatConfig, environment: FormatEnvironment) {
    this.formatter = compileFormat(config, environment);
    this.contentType = config.contentType !== '' ? config.contentType : config.kind === 'json' ? 'application/json' : 'text/plain';
  }

  apply(context: LogContext, reply: RewrittenReply): void {
    reply.body = Buffer.from(this.formatter.formatToBytes(context)).toString('utf8');
    reply.contentType = this.contentType;
  }
}

class Mapper {
  readonly filter: LogFilter;
  readonly config: LocalReplyMapperConfig;
  readonly format: BodyFormat | null;
  readonly headers: HeaderMutator<LogContext>;

  constructor(config: LocalReplyMapperConfig, names: HeaderNames, environment: FormatEnvironment, runtime: RuntimeSnapshot) {
    this.config = config;
    this.filter = compileLogFilter(config.filter, names, runtime);
    this.format = config.bodyFormat === null ? null : new BodyFormat(config.bodyFormat, environment);
    this.headers = new HeaderMutator([{ add: config.headersToAdd, remove: [] }], names, (format) => compileHeaderValue(format, environment));
  }
}

/** local_reply_config (Envoy docs: configuration/http/http_conn_man/local_reply): the first mapper whose filter matches, then the format. */
class ConfiguredRewriter implements LocalReplyRewriter {
  private readonly mappers: readonly Mapper[];
  private readonly format: BodyFormat | null;

  constructor(
    config: NonNullable<ConnectionManagerConfig['localReply']>, names: HeaderNames, environment: FormatEnvironment, runtime: RuntimeSnapshot,
  ) {
    this.mappers = config.mappers.map((mapper) => new Mapper(mapper, names, environment, runtime));
    this.format = config.bodyFormat === null ? null : new BodyFormat(config.bodyFormat, environment);
  }

  rewrite(context: LogContext, reply: RewrittenReply, headers: HeaderMap): void {
    const mapper = this.mappers.find((candidate) => candidate.filter.evaluate(context));
    if (mapper !== undefined) {
      // The headers' formats see the reply as it was, without its body; the body's format what the mapper made of it.
      mapper.headers.evaluate(headers, context);
      if (mapper.config.statusCode !== 0) reply.status = mapper.config.statusCode;
      if (mapper.config.body !== null) reply.body = mapper.config.body;
    }
    if (context.info !== null) {
      context.info.responseCode = reply.status;
      context.info.localReplyBody = reply.body;
    }
    const format = mapper?.format ?? this.format;
    if (format !== null) format.apply(context, reply);
  }
}

/** Compiles local_reply_config; null when there is none. */
export function createLocalReplyRewriter(
  config: ConnectionManagerConfig['localReply'], names: HeaderNames, environment: FormatEnvironment, runtime: RuntimeSnapshot,
): LocalReplyRewriter | null {
  return config === null ? null : new ConfiguredRewriter(config, names, environment, runtime);
}
