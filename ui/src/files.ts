// Files that the page hands to whoever looks at it.

const LONGEST_NAME = 120;

/** `name` may be anything: what a file's name may not hold becomes "_", and of a long one its end is kept. */
export function save(content: Blob | string, name: string, type = ""): void {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
    link.download = name.replace(/[^\w.-]+/g, "_").slice(-LONGEST_NAME);
    link.click();
    URL.revokeObjectURL(link.href);
}
