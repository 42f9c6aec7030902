// Asks for the key that the server wants. It goes into the tab's own storage and with every request, nowhere else.
import { useState } from "preact/hooks";
import { wanted } from "../api";
import { refreshNow } from "../live";
import { key } from "../settings";
import { Icon } from "./Icon";

export function KeyDoor() {
    const [typed, setTyped] = useState("");
    const enter = (event: Event) => {
        event.preventDefault();
        if (!typed.trim()) return;
        key.value = typed.trim();
        wanted.value = undefined;
        refreshNow();
    };
    const refused = wanted.value === "refused";
    return (
        <section class="card door">
            <form onSubmit={enter}>
                <div class="row"><Icon name="key" size={20} /><h1>This server wants a key</h1></div>
                <p class="muted">With the role <code>read</code> you can look, with <code>operate</code> also start and act, with <code>admin</code> everything.
                    The key is kept until this tab is closed.</p>
                <div class="field">
                    <label for="key">Key</label>
                    <input id="key" type="password" autocomplete="off" autoFocus value={typed} aria-invalid={refused} aria-describedby="key-hint"
                        onInput={(event) => setTyped(event.currentTarget.value)} />
                    <span id="key-hint" class={refused ? "wrong" : "hint"} role={refused ? "alert" : undefined}>
                        {refused ? "The server does not know this key." : "Whoever runs the server makes one with “durahub key new”."}
                    </span>
                </div>
                <button type="submit" class="button main">Enter</button>
            </form>
        </section>
    );
}
