import type { Instance } from '../../server/instance.ts';
import { streamReply, TEXT, textReply, type AdminHandler } from '../handler.ts';

/** `/stats/recentlookups`: the stat names that threads resolved, most often first. */
export function recentLookupsHandler(instance: Instance): AdminHandler {
  const { recentLookups } = instance.stats;
  return {
    path: '/stats/recentlookups',
    help: 'Show recent stat-name lookups',
    mutates: false,
    params: [],
    handle: () => streamReply(TEXT, (function* () {
      const entries = recentLookups.entries();
      if (entries.length === 0 && !recentLookups.isEnabled) yield 'Lookup tracking is not enabled. Use /stats/recentlookups/enable to enable.\n';
      else yield '   Count Lookup\n';
      for (const [name, count] of entries) yield `${String(count).padStart(8)} ${name}\n`;
      yield `\ntotal: ${recentLookups.total}\n`;
    })()),
  };
}

/** `/stats/recentlookups/clear`, `/disable`, `/enable`. */
export function recentLookupsSwitches(instance: Instance): AdminHandler[] {
  const { recentLookups } = instance.stats;
  const switches: readonly (readonly [name: string, help: string, act: () => void])[] = [
    ['clear', 'clear list of stat-name lookups and counter', () => recentLookups.clear()],
    ['disable', 'disable recording of reset stat-name lookup names', () => recentLookups.enable(false)],
    ['enable', 'enable recording of reset stat-name lookup names', () => recentLookups.enable(true)],
  ];
  return switches.map(([name, help, act]) => ({
    path: `/stats/recentlookups/${name}`,
    help,
    mutates: true,
    params: [],
    handle() {
      act();
      return textReply('OK\n');
    },
  }));
}
