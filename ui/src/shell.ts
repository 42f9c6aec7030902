// Commands that the page shows for a shell.

/** A word that means nothing but itself: nothing in it ends the quotes. */
export const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
