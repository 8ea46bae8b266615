// Text of others, safe to be shown. A terminal obeys control characters: they hide, overwrite or paint what is shown. Names,
// annotations and messages of the API may hold them.

/**
 * Control characters but tab and line feed (C0, DEL, C1), separators of lines and paragraphs, and what turns the direction of
 * text (Unicode, Bidi_Control without the plain marks).
 */
const OBEYED = /[^\P{Cc}\t\n]|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** The text with these characters as JSON may write them, so that JSON stays what it is. All others are unchanged. */
export function shownText(text: string): string {
  return text.replace(OBEYED, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
