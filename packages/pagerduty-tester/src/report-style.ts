/** The style sheet of a report's page; it follows the reader's light or dark setting. */
export const style = `
:root{color-scheme:light dark}
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:80rem;padding:0 1rem}
h1{font-size:1.6rem;margin-bottom:.2rem}
h2{font-size:1.15rem;margin:2rem 0 .5rem}
.counts{list-style:none;padding:0;display:grid;grid-template-columns:repeat(auto-fit,minmax(22rem,1fr));gap:.35rem 1.5rem}
.counts li{display:grid;grid-template-columns:2.5rem 7.5rem 1fr;gap:.6rem;align-items:baseline;font-variant-numeric:tabular-nums}
.wide{overflow-x:auto}
table{border-collapse:collapse}
th,td{padding:.45rem .7rem;text-align:left;border-bottom:1px solid #8884;vertical-align:top;white-space:nowrap}
th[scope=row]{position:sticky;left:0;background:Canvas;font-weight:600;white-space:normal;min-width:9rem;max-width:14rem;overflow-wrap:anywhere}
td.why{white-space:normal;min-width:14rem}
small{display:block;font-weight:400;opacity:.75}
.v{display:inline-block;min-width:7.5rem;box-sizing:border-box;padding:.1rem .5rem;border-radius:.3rem;color:#fff;text-decoration:none}
a.v:hover,a.v:focus{text-decoration:underline}
.good{background:#1a7f37}.odd{background:#8a5a00}.bad{background:#b3261e}
@media print{.wide{overflow:visible}.v{print-color-adjust:exact}}
`;
