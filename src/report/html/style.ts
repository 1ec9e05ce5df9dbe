/**
 * The style sheet of a report, in light and dark, for screens and paper. Colours are named by what they say, and have a
 * contrast of at least 4.5 on every background where they are used (WCAG 2.2, level AA).
 */
export const style = `
:root{color-scheme:light dark;--page:#fff;--soft:#f5f7f9;--line:#d4dae1;--text:#17212b;--quiet:#54616e;--link:#0b5cad;
--good:#17713a;--bad:#b42318;--risk:#8a5300;--wait:#0b5cad;--bad-soft:#fdf1ef;--good-soft:#eef8f1;--edge:#8996a3}
@media(prefers-color-scheme:dark){:root{--page:#10161c;--soft:#18212a;--line:#33404c;--text:#e6ebf0;--quiet:#9fadba;
--link:#7cb7f5;--good:#63c987;--bad:#ff8f85;--risk:#e2b04a;--wait:#7cb7f5;--bad-soft:#2a1a1b;--good-soft:#14241b;--edge:#76848f}}
*{box-sizing:border-box}
html{scroll-padding-top:1rem}
body{margin:0 auto;max-width:76rem;padding:1.5rem clamp(1rem,3vw,2.5rem) 3rem;background:var(--page);color:var(--text);
font:1rem/1.5 system-ui,sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
h1,h2,h3{line-height:1.25;text-wrap:balance}
h1{font-size:1.6rem;margin:0}
h2{font-size:1.25rem;margin:3rem 0 .75rem;padding-top:.75rem;border-top:1px solid var(--line)}
h3{font-size:1.05rem;margin:0}
p{margin:.5rem 0;max-width:80ch}
a{color:var(--link)}
code,.mono{font:.875em/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.quiet{color:var(--quiet)}
.skip{position:absolute;left:-99rem}
.skip:focus{position:static}
:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:3px}
.hidden{position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
header .quiet{margin:.15rem 0}
.verdict{margin:1.25rem 0 0;padding:.8rem 1rem;max-width:none;border-left:4px solid var(--good);background:var(--good-soft);
border-radius:0 6px 6px 0;font-size:1.05rem}
.verdict.not{border-color:var(--bad);background:var(--bad-soft)}
.facts{display:flex;flex-wrap:wrap;gap:.5rem 2.5rem;margin:1.25rem 0 0;padding:0;list-style:none}
.facts b{display:block;font-size:1.35rem;line-height:1.2;font-weight:600}
.facts span{color:var(--quiet);font-size:.9rem}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;margin:1.25rem 0 0;padding:0;list-style:none}
.state{display:inline-block;white-space:nowrap;font-weight:600;font-size:.9rem}
.state i{display:inline-block;width:1.2em;text-align:center;font-style:normal}
.state.s-pinned,.state.s-provided,.state.s-present,.state.ready{color:var(--good)}
.state.s-missing,.state.not{color:var(--bad)}
.state.s-loose,.state.s-unknown{color:var(--risk)}
.state.s-waits{color:var(--wait)}
.state.s-unbound{color:var(--quiet);font-weight:400}
.legend{display:flex;flex-wrap:wrap;gap:.1rem 1.5rem;margin:.75rem 0;padding:0;list-style:none;font-size:.9rem}
.scroll{position:relative;overflow:auto;max-height:80vh;border:1px solid var(--line);border-radius:6px}
table{border-collapse:separate;border-spacing:0;width:100%;font-size:.9rem}
caption{text-align:left;padding:.5rem .75rem;color:var(--quiet)}
th,td{padding:.4rem .75rem;text-align:left;vertical-align:top;border-top:1px solid var(--line)}
thead th{position:sticky;top:0;z-index:1;background:var(--soft);vertical-align:bottom;border-top:0;border-bottom:1px solid var(--line)}
tbody tr:first-child>*{border-top:0}
tbody th{font-weight:400}
td.number,th.number{text-align:right;white-space:nowrap}
.matrix th:first-child{position:sticky;left:0;background:var(--page);min-width:16rem;max-width:min(26rem,48vw)}
.matrix thead a{white-space:nowrap}
.matrix thead th:first-child{z-index:2;background:var(--soft)}
.matrix thead th{min-width:6.5rem}
.matrix td{white-space:nowrap}
.matrix small,th small{display:block;color:var(--quiet);font-size:.8rem;font-weight:400}
.sizes th:first-child{min-width:6rem}
.bar{display:block;width:100%;min-width:8rem;height:.9rem}
.bar .own{fill:var(--link)}
.bar .shared{fill:var(--edge)}
.bar .none{fill:var(--soft)}
.lacks{margin:0;padding:0;list-style:none}
.lacks>li{padding:.6rem 0 .6rem .9rem;border-left:3px solid var(--bad)}
.lacks>li+li{margin-top:.5rem}
.lacks p{margin:.1rem 0;max-width:100ch}
.lacks .mono{white-space:nowrap}
.root>h3{margin-bottom:.4rem}
.notes>li{border-color:var(--line)}
.root{margin-top:2rem}
.root>header{display:flex;flex-wrap:wrap;gap:.25rem 1rem;align-items:baseline}
.root>header+.quiet{margin-top:.15rem;max-width:none;font-size:.9rem}
.images{margin:1rem 0;padding:0;list-style:none;border:1px solid var(--line);border-radius:6px}
.images>li+li{border-top:1px solid var(--line)}
summary{display:flex;flex-wrap:wrap;gap:.1rem .9rem;align-items:baseline;padding:.5rem .75rem;cursor:pointer}
summary:hover{background:var(--soft)}
summary::before{content:"▸";width:.8em;color:var(--quiet)}
details[open]>summary::before{content:"▾"}
summary::-webkit-details-marker{display:none}
summary .state{min-width:7rem}
summary code{flex:1 1 14rem}
summary>.quiet{font-size:.9rem}
.more-notes>summary{padding-left:0}
.detail{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(24rem,100%),1fr));gap:1rem 2rem;padding:.25rem .75rem 1rem 2.3rem}
.detail figure{margin:0;min-width:0}
figcaption{color:var(--quiet);font-size:.85rem;margin-bottom:.25rem}
.picture{display:block;max-width:100%;height:auto;font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.picture text{fill:var(--text)}
.picture .how{fill:var(--quiet)}
.picture .end{font-weight:600}
.picture .edge{fill:none;stroke:var(--edge);stroke-width:2}
.picture circle{fill:var(--page);stroke:var(--edge);stroke-width:2}
.picture .unit{fill:var(--edge)}
.picture rect{fill:var(--good)}
.picture .s-missing{fill:var(--bad)}
.picture .s-loose,.picture .s-unknown{fill:var(--risk)}
.picture .s-waits{fill:var(--wait)}
.picture .s-unbound{fill:var(--edge)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;margin:0;font-size:.9rem;align-content:start;min-width:0}
dt{color:var(--quiet)}
dd{margin:0;min-width:0}
dd+dd{grid-column:2}
dd small{display:block;color:var(--quiet)}
footer{margin-top:3rem;padding-top:.75rem;border-top:1px solid var(--line);font-size:.9rem}
@media(max-width:34rem){.detail{padding-left:.75rem}.matrix th:first-child{min-width:7.5rem}summary .state{min-width:0}summary code{flex-basis:100%}
.sizes thead th:nth-child(n+5),.sizes td:nth-child(n+5){display:none}th,td{padding:.4rem .5rem}}
@media print{@page{size:A4;margin:14mm}
:root{color-scheme:light;--page:#fff;--soft:#f5f7f9;--line:#b9c2cb;--text:#000;--quiet:#46515c;--link:#000;--good:#17713a;
--bad:#b42318;--risk:#8a5300;--wait:#0b5cad;--bad-soft:#fff;--good-soft:#fff;--edge:#76848f}
body{max-width:none;padding:0;font-size:9.5pt}
nav,.skip{display:none}
.scroll{overflow:visible;max-height:none}
thead th,.matrix th:first-child{position:static}
.matrix thead th{min-width:0}
.matrix.many td .word,.matrix.many td small{display:none}
.matrix.many thead th:not(:first-child){writing-mode:vertical-lr;padding:.4rem .1rem}
.matrix.many td{padding:.25rem .1rem}
.matrix.many th:first-child{min-width:60mm}
thead{display:table-header-group}
p{max-width:none}
tr,.lacks>li,.images>li,.root>header{break-inside:avoid}
h2,h3,summary,figcaption{break-after:avoid}
.detail{grid-template-columns:1fr 1fr}
details::details-content{content-visibility:visible;block-size:auto}
summary::before{content:none!important}
a{text-decoration:none}}
`;
