// Drawn here, sixteen units square, in the colour of the text around them.
const PATHS = {
    again: "M12.800 6A5.200 5.200 0 1 0 13 9.200M13 2.800V6H9.800",
    alert: "M8 2 14.500 13.500H1.500ZM8 6.500V9.500M8 11.600V11.700",
    back: "M10 3 5 8l5 5",
    bolt: "M9 1.500 3.500 9H8l-1 5.500L12.500 7H8Z",
    box: "M2.500 5 8 2l5.500 3v6L8 14l-5.500-3ZM2.500 5 8 8l5.500-3M8 8v6",
    check: "M3 8.500 6.500 12 13 4.500",
    clock: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2ZM8 4.800V8l2.200 1.500",
    columns: "M2.500 3h11v10h-11ZM6.200 3v10M9.800 3v10",
    copy: "M5.500 5.500h8v8h-8ZM10.500 5.500v-3h-8v8h3",
    cross: "M4 4l8 8M12 4l-8 8",
    down: "M4 6.500 8 10.500l4-4",
    download: "M8 2.500v8M4.800 7.500 8 10.700l3.200-3.200M3 13.500h10",
    flow: "M2.500 8h3M10.500 8h3M8 5.500a2.500 2.500 0 1 1 0 5a2.500 2.500 0 0 1 0-5Z",
    gear: "M4.500 2.500h7v4h-7ZM2.500 9.500h4v4h-4ZM9.500 9.500h4v4h-4ZM8 6.500v1.500M4.500 9.500V8h7v1.500",
    info: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2ZM8 7.500V11M8 5.100V5.200",
    key: "M5.500 7.500a3 3 0 1 1 0 5.900a3 3 0 0 1 0-5.900ZM7.700 8.300 13.500 2.500M11.500 4.500l2 2",
    link: "M6.500 9.500 13 3M8.500 3H13v4.500M11 9.500V13H3V5h3.500",
    lock: "M3.500 7.500h9v6h-9ZM5.500 7.500V5a2.500 2.500 0 0 1 5 0v2.500",
    pause: "M5.500 3.500v9M10.500 3.500v9",
    pending: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2ZM5.300 8h.1M8 8h.1M10.700 8h.1",
    play: "M5 3v10l8-5Z",
    right: "M6 3l5 5-5 5",
    rewind: "M8 3.500 3 8l5 4.500ZM13.500 3.500 8.500 8l5 4.500Z",
    running: "M8 2a6 6 0 0 1 6 6M8 14a6 6 0 0 1-6-6M8 6.500a1.500 1.500 0 1 1 0 3a1.500 1.500 0 0 1 0-3Z",
    search: "M7 2.500a4.500 4.500 0 1 1 0 9a4.500 4.500 0 0 1 0-9ZM10.300 10.300 13.500 13.500",
    send: "M2.500 8h10M8.500 4l4 4-4 4",
    slash: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2ZM3.800 3.800l8.400 8.400",
    stop: "M4 4h8v8H4Z",
    star: "M8 2.200l1.800 3.800 4.100.500-3 2.900.800 4.100L8 11.500l-3.700 2 .800-4.100-3-2.900 4.100-.500Z",
    trash: "M3 4.500h10M6 4.500V3h4v1.500M4.500 4.500l.5 9h6l.5-9M7 7v4M9 7v4",
    up: "M4 9.500 8 5.500l4 4",
    wrap: "M2.500 4h11M2.500 8h8.500a2.200 2.200 0 0 1 0 4.400H8M9.800 10.600 8 12.400l1.800 1.800M2.500 12h2.500",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16, spin }: { name: IconName; size?: number; spin?: boolean }) {
    return (
        <svg viewBox="0 0 16 16" width={size} height={size} fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round"
            stroke-linejoin="round" aria-hidden="true" class={spin ? "spin" : undefined}>
            <path d={PATHS[name]} />
        </svg>
    );
}
