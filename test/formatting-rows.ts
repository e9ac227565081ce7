/** One text, its Matrix, Slack, Discord and IRC forms side by side: tested by `formatting.test.ts`, shown in `docs/mapping.md`. */

export type NetworkName = "slack" | "discord" | "irc";

/** The Matrix form is HTML, or plain text where it has `text` instead. What comes back is the same, but where `back` says otherwise. */
export interface Row {
  readonly says: string;
  readonly matrix?: string;
  readonly text?: string;
  readonly slack: string;
  readonly discord: string;
  readonly irc: string;
  readonly back?: Partial<Record<NetworkName, string>>;
}

export const ALICE = '<a href="https://matrix.to/#/@alice:example.org">alice</a>';
const GENERAL = '<a href="https://matrix.to/#/!general?via=example.org">#general</a>';

export const ROWS: readonly Row[] = [
  { says: "plain words", text: "hello", slack: "hello", discord: "hello", irc: "hello" },
  { says: "two lines", text: "one\ntwo", slack: "one\ntwo", discord: "one\ntwo", irc: "one\ntwo" },
  {
    says: "two paragraphs",
    text: "one\n\ntwo",
    slack: "one\n\ntwo",
    discord: "one\n\ntwo",
    irc: "one\n\ntwo",
  },
  { says: "bold", matrix: "<strong>b</strong>", slack: "*b*", discord: "**b**", irc: "\x02b\x02" },
  { says: "italic", matrix: "<em>i</em>", slack: "_i_", discord: "*i*", irc: "\x1di\x1d" },
  { says: "struck out", matrix: "<del>s</del>", slack: "~s~", discord: "~~s~~", irc: "\x1es\x1e" },
  { says: "underlined", matrix: "<u>u</u>", slack: "u", discord: "__u__", irc: "\x1fu\x1f", back: { slack: "u" } },
  {
    says: "italic within bold",
    matrix: "a <strong>b <em>c</em></strong> d",
    slack: "a *b _c_* d",
    discord: "a **b *c*** d",
    irc: "a \x02b \x1dc\x02\x1d d",
  },
  { says: "code", matrix: "<code>x = 1</code>", slack: "`x = 1`", discord: "`x = 1`", irc: "\x11x = 1\x11" },
  {
    says: "a code block with its language",
    matrix: '<pre><code class="language-js">let a;\n  b();\n</code></pre>',
    slack: "```\nlet a;\n  b();\n```",
    discord: "```js\nlet a;\n  b();\n```",
    irc: "\x11let a;\x11\n\x11  b();\x11",
    back: { slack: "<pre><code>let a;\n  b();\n</code></pre>", irc: "<code>let a;</code><br><code>  b();</code>" },
  },
  {
    says: "a spoiler",
    matrix: "<span data-mx-spoiler>the butler</span>",
    slack: "(spoiler) the butler",
    discord: "||the butler||",
    irc: "\x0301,01the butler\x0f",
    back: { slack: "(spoiler) the butler" },
  },
  {
    says: "a spoiler with its reason",
    matrix: '<span data-mx-spoiler="the end">the butler</span>',
    slack: "(spoiler: the end) the butler",
    discord: "(the end) ||the butler||",
    irc: "(the end) \x0301,01the butler\x0f",
    back: {
      slack: "(spoiler: the end) the butler",
      discord: "(the end) <span data-mx-spoiler>the butler</span>",
      irc: "(the end) <span data-mx-spoiler>the butler</span>",
    },
  },
  {
    says: "colour",
    matrix: '<span data-mx-color="#ff0000">red</span>',
    slack: "red",
    discord: "red",
    irc: "\x0304red\x0f",
    back: { slack: "red", discord: "red" },
  },
  {
    says: "a quote and an answer to it",
    matrix: "<blockquote><p>one<br>two</p></blockquote><p>mine</p>",
    slack: "> one\n> two\nmine",
    discord: "> one\n> two\nmine",
    irc: "> one\n> two\nmine",
    back: { irc: "> one\n> two\nmine" },
  },
  {
    says: "a list in a list",
    matrix: "<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>",
    slack: "• a\n• b\n  • c",
    discord: "- a\n- b\n  - c",
    irc: "• a\n• b\n  • c",
    back: { irc: "• a\n• b\n  • c" },
  },
  {
    says: "a list with numbers",
    matrix: '<ol start="3"><li>a</li><li>b</li></ol>',
    slack: "3. a\n4. b",
    discord: "3. a\n4. b",
    irc: "3. a\n4. b",
    back: { irc: "3. a\n4. b" },
  },
  {
    says: "a heading",
    matrix: "<h2>News</h2><p>text</p>",
    slack: "*News*\ntext",
    discord: "## News\ntext",
    irc: "\x02News\x02\ntext",
    back: { slack: "<strong>News</strong><br>text", irc: "<strong>News</strong><br>text" },
  },
  {
    says: "a divider",
    matrix: "<p>a</p><hr><p>b</p>",
    slack: "a\n———\nb",
    discord: `a\n${"─".repeat(20)}\nb`,
    irc: "a\n———\nb",
    back: { discord: `a\n${"─".repeat(20)}\nb`, irc: "a\n———\nb" },
  },
  {
    says: "a table",
    matrix: "<table><thead><tr><th>what</th><th>how many</th></tr></thead><tbody><tr><td>bread</td><td>2</td></tr></tbody></table>",
    slack: "what | how many\nbread | 2",
    discord: "```\nwhat  | how many\n------|---------\nbread | 2\n```",
    irc: "\x02what\x02 | \x02how many\x02\nbread | 2",
    back: {
      slack: "<pre><code>what  | how many\nbread | 2\n</code></pre>",
      discord: "<pre><code>what  | how many\n------|---------\nbread | 2\n</code></pre>",
      irc: "<strong>what</strong> | <strong>how many</strong><br>bread | 2",
    },
  },
  {
    says: "a link",
    matrix: '<a href="https://example.org/a?b=c&amp;d">here</a>',
    slack: "<https://example.org/a?b=c&amp;d|here>",
    discord: "[here](https://example.org/a?b=c&d)",
    irc: "here (https://example.org/a?b=c&d)",
    back: { irc: "here (https://example.org/a?b=c&d)" },
  },
  {
    says: "an address",
    text: "see https://example.org/a_b_c",
    slack: "see https://example.org/a_b_c",
    discord: "see https://example.org/a_b_c",
    irc: "see https://example.org/a_b_c",
  },
  { says: "a person", matrix: `${ALICE}: hi`, slack: "<@U1>: hi", discord: "<@100000000000000001>: hi", irc: "alice: hi" },
  { says: "a channel", matrix: `in ${GENERAL}`, slack: "in <#C1>", discord: "in <#200000000000000001>", irc: "in #general" },
  {
    says: "everybody, by someone who may",
    text: "@room look",
    slack: "<!channel> look",
    discord: "@everyone look",
    irc: "@room look",
  },
  {
    says: "signs that mean something elsewhere",
    text: "*a* _b_ `c` ||e|| <@U1> &amp; <b> # [x](y) @here",
    slack: "*a* _b_ `c` ||e|| &lt;@U1&gt; &amp;amp; &lt;b&gt; # [x](y) @here",
    discord: "\\*a\\* \\_b\\_ \\`c\\` \\|\\|e\\|\\| \\<@U1> &amp; <b> # [x]\\(y) @\u200bhere",
    irc: "*a* _b_ `c` ||e|| <@U1> &amp; <b> # [x](y) @here",
    back: { discord: "*a* _b_ `c` ||e|| <@U1> &amp; <b> # [x](y) @\u200bhere" },
  },
  {
    says: "a picture with a name that the network does not know",
    matrix: '<img data-mx-emoticon src="mxc://example.org/party" alt=":party:" title=":party:" height="32">',
    slack: ":party:",
    discord: ":party:",
    irc: ":party:",
    back: { slack: ":party:", discord: ":party:", irc: ":party:" },
  },
];
