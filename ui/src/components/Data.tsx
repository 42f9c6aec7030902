// Input and output of an instance.
import { payload } from "../api";
import { hasEnded } from "../status";
import type { InstanceDetails } from "../types/instance";
import { PayloadView } from "./payload/PayloadView";

export function Data({ instance: { instanceId: id, input, output, runtimeStatus } }: { instance: InstanceDetails }) {
    return (
        <div class="two">
            <PayloadView title="Input" file={`${id}-input`} payload={input} none="It was started without input." all={() => payload(id, "input")} />
            <PayloadView title="Output" file={`${id}-output`} payload={output} all={() => payload(id, "output")}
                none={runtimeStatus === "Failed" ? "It failed: there is none." : hasEnded(runtimeStatus) ? "It ended without output." : "There is none before the end."} />
        </div>
    );
}
