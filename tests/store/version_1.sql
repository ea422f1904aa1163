-- A home as version 1 leaves it, in mid-answer. Never edited: it stands for files that are out there.
-- Without the row that names the folding rules the search index is made anew, so it is not part of this.
PRAGMA application_id = 1129272901;
PRAGMA user_version = 1;
CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE chats (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        created_ms INTEGER NOT NULL,
        updated_ms INTEGER NOT NULL,
        title TEXT NOT NULL,
        head_id TEXT,
        model_id TEXT,
        system_prompt TEXT NOT NULL,
        sampling TEXT NOT NULL,
        deleted_ms INTEGER
    );
CREATE INDEX chats_by_time ON chats (updated_ms);
CREATE INDEX chats_in_trash ON chats (deleted_ms) WHERE deleted_ms IS NOT NULL;
CREATE TABLE messages (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        chat_id TEXT NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
        parent_id TEXT,
        role TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        status TEXT NOT NULL,
        model_id TEXT,
        turn_id TEXT,
        timings TEXT,
        stop_reason TEXT,
        notice TEXT,
        content TEXT NOT NULL,
        reasoning TEXT NOT NULL
    );
CREATE INDEX messages_by_chat ON messages (chat_id, seq, id, parent_id, role);
CREATE INDEX messages_streaming ON messages (seq) WHERE status = 'streaming';
CREATE TABLE chunks (
        seq INTEGER PRIMARY KEY,
        message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
        content TEXT NOT NULL,
        reasoning TEXT NOT NULL
    );
CREATE INDEX chunks_by_message ON chunks (message_id);
CREATE TABLE models (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, value TEXT NOT NULL);
CREATE TABLE transfers (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, value TEXT NOT NULL);
CREATE VIRTUAL TABLE title_index USING fts5(body, content='', prefix='1', tokenize="unicode61 remove_diacritics 0 categories 'L* N* M* So Co'");
CREATE VIRTUAL TABLE message_index USING fts5(body, content='', prefix='1', tokenize="unicode61 remove_diacritics 0 categories 'L* N* M* So Co'");
INSERT INTO chats VALUES (1, 'hanoi', 1, 5, 'Thủ đô Việt Nam', 'a2', 'smollm2:q4_1', '', '{"temperature":0.2,"seed":7}', NULL);
INSERT INTO chats VALUES (2, 'trashed', 1, 1, 'Old', NULL, NULL, '', '{}', 9);
INSERT INTO messages VALUES (4294967297, 'q1', 'hanoi', NULL, 'user', 1, 'complete', NULL, NULL, NULL, NULL, NULL, 'Thủ đô của Việt Nam là gì?', '');
INSERT INTO messages VALUES (4294967298, 'a1', 'hanoi', 'q1', 'assistant', 1, 'stopped', NULL, NULL, '{"prompt_n":12,"predicted_n":1}', 'cancelled', NULL, 'Hà', '');
INSERT INTO messages VALUES (4294967299, 'b1', 'hanoi', 'q1', 'assistant', 1, 'failed', NULL, NULL, NULL, NULL, '{"code":"engine-died","facts":{"exit_code":9}}', 'Huế', '');
INSERT INTO messages VALUES (4294967300, 'q2', 'hanoi', 'a1', 'user', 1, 'complete', NULL, NULL, NULL, NULL, NULL, '中国呢？', '');
INSERT INTO messages VALUES (4294967301, 'a2', 'hanoi', 'q2', 'assistant', 1, 'streaming', NULL, NULL, NULL, NULL, NULL, 'Hà', '');
INSERT INTO chunks VALUES (1, 'a2', ' Nội', 'hm');
INSERT INTO chunks VALUES (2, 'a2', ' là', '');
INSERT INTO models VALUES (1, 'smollm2:q4_1', '{"id":"smollm2:q4_1","name":"SmolLM2","path":"/models/smollm2.gguf","size_bytes":1}');
INSERT INTO transfers VALUES (1, 't', '{"id":"t","repo":"someone/model","quant":"Q4_K_M"}');
