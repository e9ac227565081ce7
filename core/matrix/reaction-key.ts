/** Reactions are counted by their text, so the same emoji must be written the same way by everybody. */

/** Emoji by default, yet with a text form too: the specification asks for the variation selector after them. */
const WITH_TEXT_FORM: ReadonlySet<string> = new Set([
  ..."⌚⌛◽◾☔☕♈♉♊♋♌♍♎♏♐♑♒♓♿⚓⚡⚪⚫⚽⚾⛄⛅⛔⛪⛲⛳⛵⛺⛽❓❗⬛⬜⭐⭕🀄🈚🈯",
  ..."🌍🌎🌏🌕🌜🍸🎓🎧🎬🎭🎮🏂🏄🏆🏊🏠🏭🐈🐕🐟🐦👂👆👇👈👉👍👎👓👪👽💣💰💳💻💿📋📚📟📤📥📦",
  ..."📪📫📬📭📷📹📺📻🔍🔒🔓😐🚇🚍🚑🚔🚘🚭🚲🚹🚺🚼",
]);

const EMOJI_ONLY = /^(?:\p{Emoji}|\p{Emoji_Component}|\u200d)+$/u;
/** A character that is text unless the selector says otherwise, and nothing after it that decides. */
const UNDECIDED = /(?:[#*0-9](?=\u20e3)|(?![#*0-9])(?!\p{Emoji_Presentation})\p{Emoji})(?![\ufe0e\ufe0f\p{Emoji_Modifier}])/gu;

/** An emoji as Matrix clients send it in a reaction: U+FE0F wherever Unicode has a text form beside the picture. Other text stays. */
export function reactionText(text: string): string {
  if (!EMOJI_ONLY.test(text) || /^[#*0-9]+$/.test(text)) return text;
  return WITH_TEXT_FORM.has(text) ? `${text}\ufe0f` : text.replace(UNDECIDED, "$&\ufe0f");
}
