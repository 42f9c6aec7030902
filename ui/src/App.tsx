import { useEffect } from "preact/hooks";
import { Shell } from "./components/Shell";
import { State } from "./components/basics";
import { About } from "./pages/About";
import { Bulk } from "./pages/Bulk";
import { Entities } from "./pages/Entities";
import { Entity } from "./pages/Entity";
import { Failures } from "./pages/Failures";
import { Hubs } from "./pages/Hubs";
import { Instance } from "./pages/Instance";
import { Instances } from "./pages/Instances";
import { Overview } from "./pages/Overview";
import { Start } from "./pages/Start";
import { Statistics } from "./pages/Statistics";
import { Workers } from "./pages/Workers";
import { go, href, hub, page, params } from "./router";

/** A page's title and what it shows. What is about one thing starts anew for another. */
function shown() {
    const id = params.value.get("id") ?? "", where = hub.value ?? "";
    switch (page.value) {
        case "": return ["Overview", <Overview key={where} />] as const;
        case "instances": return ["Instances", <Instances key={where} />] as const;
        case "instance": return [id, <Instance key={`${where}/${id}`} id={id} />] as const;
        case "start": return ["Start", <Start key={`${where}/${params.value.get("from")}`} />] as const;
        case "entities": return ["Entities", <Entities key={where} />] as const;
        case "entity": return [id, <Entity key={`${where}/${id}`} id={id} />] as const;
        case "failures": return ["Failures", <Failures key={where} />] as const;
        case "statistics": return ["Statistics", <Statistics key={where} />] as const;
        case "workers": return ["Workers", <Workers key={where} />] as const;
        case "bulk": return ["Bulk jobs", <Bulk key={where} />] as const;
        case "hubs": return ["Task hubs", <Hubs />] as const;
        case "about": return ["About", <About />] as const;
        default: return ["Not found", <Nowhere />] as const;
    }
}

export function App() {
    useEffect(() => {
        // Links between pages change the address without loading everything again.
        const follow = (event: MouseEvent) => {
            const link = (event.target as Element | null)?.closest?.("a");
            if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
            if (link.origin !== location.origin || !`${link.pathname}/`.startsWith(`${new URL(href(""), location.href).pathname}/`)) return;
            event.preventDefault();
            go(link.href);
        };
        document.addEventListener("click", follow);
        return () => document.removeEventListener("click", follow);
    }, []);
    const [title, content] = shown();
    return <Shell title={title}>{content}</Shell>;
}

function Nowhere() {
    return (
        <section class="card">
            <State icon="search" title="There is no such page" page>
                <p>The address may be mistyped.</p>
                <div class="row"><a class="button" href={href("")}>To the overview</a></div>
            </State>
        </section>
    );
}
