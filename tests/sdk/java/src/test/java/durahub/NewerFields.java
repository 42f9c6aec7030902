package durahub;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnknownFieldSet;
import com.google.protobuf.UnknownFieldSet.Field;

import java.util.Map;
import java.util.TreeMap;

/** Fields that later versions of this SDK send and read, and that the messages of the published one do not name yet. */
final class NewerFields {
    /** TerminateRequest and PurgeInstancesRequest: recursive. */
    static final int RECURSIVE = 3;
    /** CreateInstanceRequest: tags. */
    static final int START_TAGS = 8;
    /** OrchestrationState: parentInstanceId. */
    static final int STATE_PARENT = 14;
    /** OrchestrationState: tags. */
    static final int STATE_TAGS = 15;

    private NewerFields() {}

    static UnknownFieldSet flag(int number) {
        return UnknownFieldSet.newBuilder().addField(number, Field.newBuilder().addVarint(1).build()).build();
    }

    static UnknownFieldSet map(int number, Map<String, String> entries) {
        Field.Builder field = Field.newBuilder();
        entries.forEach((key, value) -> field.addLengthDelimited(
                UnknownFieldSet.newBuilder().addField(1, text(key)).addField(2, text(value)).build().toByteString()));
        return UnknownFieldSet.newBuilder().addField(number, field.build()).build();
    }

    static Map<String, String> map(UnknownFieldSet fields, int number) throws InvalidProtocolBufferException {
        Map<String, String> entries = new TreeMap<>();
        for (ByteString each : fields.getField(number).getLengthDelimitedList()) {
            UnknownFieldSet entry = UnknownFieldSet.parseFrom(each);
            entries.put(text(entry.getField(1)), text(entry.getField(2)));
        }
        return entries;
    }

    /** The text of a StringValue. */
    static String wrapped(UnknownFieldSet fields, int number) throws InvalidProtocolBufferException {
        return text(UnknownFieldSet.parseFrom(fields.getField(number).getLengthDelimitedList().get(0)).getField(1));
    }

    private static Field text(String text) {
        return Field.newBuilder().addLengthDelimited(ByteString.copyFromUtf8(text)).build();
    }

    private static String text(Field field) {
        // An empty text need not be on the wire at all.
        return field.getLengthDelimitedList().isEmpty() ? "" : field.getLengthDelimitedList().get(0).toStringUtf8();
    }
}
