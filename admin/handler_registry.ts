import type { AdminHandler } from './handler.ts';

/** Endpoints by path. */
export class HandlerRegistry {
  private readonly handlers = new Map<string, AdminHandler>();

  /** Throws on a path that is taken (our bug). */
  add(handler: AdminHandler): void {
    if (this.handlers.has(handler.path)) throw new Error(`admin path ${handler.path} is registered twice`);
    this.handlers.set(handler.path, handler);
  }

  get(path: string): AdminHandler | undefined {
    return this.handlers.get(path);
  }

  /** All endpoints by path. */
  list(): AdminHandler[] {
    return [...this.handlers.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** The text of `/help`. */
  *helpText(): Generator<string, void, undefined> {
    yield 'admin commands are:\n';
    for (const handler of this.list()) {
      yield `  ${handler.path}${handler.mutates ? ' (POST)' : ''}: ${handler.help}\n`;
      for (const param of handler.params) {
        const choices = param.kind === 'choice' ? `; One of (${param.choices.join(', ')})` : '';
        yield `      ${param.id}: ${param.help}${choices}\n`;
      }
    }
  }
}
