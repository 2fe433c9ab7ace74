import { homePage } from '../console/home_page.ts';
import { HTML, streamReply, TEXT, type AdminHandler } from '../handler.ts';
import type { HandlerRegistry } from '../handler_registry.ts';
import type { Instance } from '../../server/instance.ts';

/** `/help`: every endpoint with its parameters. */
export function helpHandler(registry: HandlerRegistry): AdminHandler {
  return {
    path: '/help',
    help: 'print out list of admin commands',
    mutates: false,
    params: [],
    handle: () => streamReply(TEXT, registry.helpText()),
  };
}

/** `/`: the page a person sees. */
export function homeHandler(registry: HandlerRegistry, instance: Instance): AdminHandler {
  return {
    path: '/',
    help: 'Admin home page',
    mutates: false,
    params: [],
    handle: () => streamReply(HTML, homePage(registry.list(), instance)),
  };
}
