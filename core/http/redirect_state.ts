/** What a request remembers of the internal redirects that it took; passed on from stream to stream. */
export class RedirectState {
  count = 0;
  private readonly routes = new Map<string, Set<string>>();

  /** Names of the routes that redirects led to from the route of that name. */
  previousRoutes(routeName: string): Set<string> {
    let known = this.routes.get(routeName);
    if (known === undefined) {
      known = new Set();
      this.routes.set(routeName, known);
    }
    return known;
  }
}
