// Who has started an instance, and what it has started, level by level.
import { useState } from "preact/hooks";
import { Problem, tree } from "../api";
import { duration } from "../format";
import { useLive } from "../live";
import { instanceHref } from "../router";
import type { TreeNode } from "../types/instance";
import { Badge, Elapsed, Loading, Refused } from "./basics";
import { Children } from "./Children";
import { Icon } from "./Icon";
import { toast } from "./Toasts";

export function Tree({ id }: { id: string }) {
    const { data, problem, stale, again } = useLive(`tree ${id}`, (signal) => tree(id, signal));
    if (!data) return <section class="card">{problem ? <Refused problem={problem} again={again} /> : <Loading what="the family of the instance" />}</section>;
    const { ancestors, node } = data;
    const gone = (ancestors[0] ?? node).parentInstanceId;
    let shown = <ul><Node node={node} own={id} /></ul>;
    for (const above of ancestors.toReversed()) shown = <ul><li><Line node={above} own={id} />{shown}</li></ul>;
    return (
        <div class="page">
        <section class="card" aria-label="Tree">
            <div class={stale ? "inside tree stale" : "inside tree"}>
                {gone && <p class="muted small row"><Icon name="info" size={14} />Started by <code>{gone}</code>, which is not there any more.</p>}
                {shown}
                {ancestors.length === 0 && !gone && node.children.length === 0 && !node.more && (
                    <p class="muted small">No sub-orchestrations: it stands alone. Nobody has started it, and it has started nothing, or that has been purged.</p>
                )}
                {node.more && <p class="small">It has more sub-orchestrations than the tree shows. All of them:</p>}
            </div>
        </section>
        {node.more && <Children id={id} />}
        </div>
    );
}

function Node({ node, own }: { node: TreeNode; own: string }) {
    const [fetched, setFetched] = useState<TreeNode>();
    const [open, setOpen] = useState(true), [busy, setBusy] = useState(false);
    // What was fetched is only of use where the page itself has nothing.
    const shown = node.children.length > 0 || !fetched ? node : fetched;
    const fetchMore = async () => {
        setBusy(true);
        try {
            setFetched((await tree(node.instanceId)).node);
        } catch (error) {
            toast(error instanceof Problem ? error.message : String(error), true);
        }
        setBusy(false);
    };
    return (
        <li>
            <Line node={node} own={own}>
                {shown.children.length > 0 && (
                    <button type="button" class="button plain small icon" aria-expanded={open} aria-label={`Sub-orchestrations of ${node.instanceId}`} onClick={() => setOpen(!open)}>
                        <Icon name={open ? "down" : "right"} size={13} />
                    </button>
                )}
            </Line>
            {open && shown.children.length > 0 && <ul>{shown.children.map((child) => <Node key={child.instanceId} node={child} own={own} />)}</ul>}
            {shown.more && (shown.children.length === 0
                ? <p class="more"><button type="button" class="button link small" aria-disabled={busy} onClick={() => !busy && void fetchMore()}>{busy ? "Loading" : "Show its sub-orchestrations"}</button></p>
                : open && node.instanceId !== own && <p class="more small"><a href={instanceHref(node.instanceId, { tab: "tree" })}>There are more sub-orchestrations of {node.instanceId}</a></p>)}
        </li>
    );
}

function Line({ node, own, children }: { node: TreeNode; own: string; children?: preact.ComponentChildren }) {
    const { instanceId: id, name, version, runtimeStatus, createdTime, durationMs, failure } = node;
    return (
        <div class={id === own ? "node own" : "node"}>
            {children || <span class="leaf" />}
            <Badge status={runtimeStatus} />
            <strong>{name}</strong>{version && <span class="muted small">version {version}</span>}
            {id === own ? <span class="id" aria-current="true">{id}</span> : <a class="id" href={instanceHref(id, { tab: "tree" })}>{id}</a>}
            <span class="muted small">{durationMs === null ? <>for <Elapsed from={createdTime} /></> : duration(durationMs)}</span>
            {failure && <span class="wrong">{failure.errorType}: {failure.message}</span>}
        </div>
    );
}
