/** Endpoints that change how the process goes on: health, draining, log files, exit. */
import type { Instance } from '../../server/instance.ts';
import { flag, TEXT, textReply, type AdminHandler } from '../handler.ts';

/** `/healthcheck/fail` and `/healthcheck/ok`. */
export function healthCheckHandler(instance: Instance, failed: boolean): AdminHandler {
  return {
    path: failed ? '/healthcheck/fail' : '/healthcheck/ok',
    help: failed ? 'cause the server to fail health checks' : 'cause the server to pass health checks',
    mutates: true,
    params: [],
    handle() {
      instance.failHealthCheck(failed);
      return textReply('OK\n');
    },
  };
}

/** `/drain_listeners`. */
export function drainListenersHandler(instance: Instance): AdminHandler {
  return {
    path: '/drain_listeners',
    help: 'drain listeners',
    mutates: true,
    params: [
      flag('graceful', 'When draining listeners, enter a graceful drain period prior to closing listeners. '
        + 'This behaviour and duration is configurable via server options or CLI'),
      flag('skip_exit', 'When draining listeners, do not exit after the drain period. This must be used with graceful'),
      flag('inboundonly', 'Drains all inbound listeners. traffic_direction field in '
        + 'envoy_v3_api_msg_config.listener.v3.Listener is used to determine whether a listener is inbound or outbound.'),
    ],
    handle({ params }) {
      const graceful = params.has('graceful');
      const skipExit = params.has('skip_exit');
      if (skipExit && !graceful) return textReply('skip_exit requires graceful\n', 400);
      instance.drainListeners({ graceful, skipExit, inboundOnly: params.has('inboundonly') });
      return textReply('OK\n');
    },
  };
}

/** `/reopen_logs`. */
export function reopenLogsHandler(instance: Instance): AdminHandler {
  return {
    path: '/reopen_logs',
    help: 'reopen access logs',
    mutates: true,
    params: [],
    handle() {
      instance.reopenLogs();
      return textReply('OK\n');
    },
  };
}

/** `/quitquitquit`. */
export function quitHandler(instance: Instance): AdminHandler {
  return {
    path: '/quitquitquit',
    help: 'exit the server',
    mutates: true,
    params: [],
    handle: () => ({ status: 200, contentType: TEXT, body: ['OK\n'], afterSent: () => instance.shutdown() }),
  };
}
