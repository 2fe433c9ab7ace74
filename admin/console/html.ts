/** Text made safe between tags and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');
}

/** Begins a page; everything it needs is in it. `head` is more markup for its head. */
export function pageStart(title: string, head = ''): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%233457d5'/%3E%3Cpath d='M4 5h8M4 8h5M4 11h8' stroke='white' stroke-width='1.6' stroke-linecap='round'/%3E%3C/svg%3E">
<style>${STYLE}</style>${head}
</head>
<body>
`;
}

export const PAGE_END = '</body>\n</html>\n';

const STYLE = `
:root { color-scheme: light dark; --text: #1c2333; --muted: #5b6478; --line: #dfe3ec; --card: #fff; --page: #f5f7fb; --accent: #3457d5; --warn: #b3541e; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e9f2; --muted: #9aa4ba; --line: #2d3446; --card: #1a2030; --page: #121724; --accent: #8aa4ff; --warn: #f0a36b; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 2rem 1rem 4rem; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main, header { max-width: 62rem; margin: 0 auto; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .4rem 1.2rem; margin-bottom: 1.2rem; }
h1 { font-size: 1.5rem; margin: 0; }
h2 { font-size: .8rem; letter-spacing: .06em; text-transform: uppercase; color: var(--muted); margin: 1.8rem 0 .5rem; }
.badge { padding: .1rem .6rem; border-radius: 1rem; background: #1f8a4c; color: #fff; font-size: .8rem; font-weight: 600; }
.badge.busy { background: var(--warn); }
.fact { color: var(--muted); font-size: .9rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; overflow: hidden; }
.endpoint { padding: .7rem 1rem; border-top: 1px solid var(--line); display: grid; grid-template-columns: 14rem 1fr; gap: .2rem 1rem; }
.endpoint:first-child { border-top: 0; }
@media (max-width: 40rem) { .endpoint { grid-template-columns: 1fr; } }
a { color: var(--accent); text-decoration: none; font-weight: 600; }
a:hover { text-decoration: underline; }
button { font: inherit; font-weight: 600; color: var(--accent); background: none; border: 1px solid var(--line); border-radius: .4rem; padding: .1rem .7rem; cursor: pointer; }
button:hover { border-color: var(--accent); }
button.post { color: var(--warn); }
button.post:hover { border-color: var(--warn); }
.help { color: var(--muted); }
form { margin: 0; }
.params { grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: .5rem 1.1rem; }
.params label { display: flex; align-items: center; gap: .4rem; font-size: .88rem; }
input[type=text], select { font: inherit; font-size: .88rem; padding: .15rem .4rem; border: 1px solid var(--line); border-radius: .35rem; background: var(--page); color: var(--text); }
pre { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem; overflow-x: auto; font: 13px/1.5 ui-monospace, monospace; margin: 0; }
`;
