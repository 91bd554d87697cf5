-- cpgbuild: contributes_to = "v_cpg_kinds"
-- The CPG node kind of what only TypeScript's syntax trees have; a kind that is called as in
-- Python's means the same.
SELECT column1 AS cst_kind, column2 AS kind FROM (VALUES
  ('program', 'NAMESPACE_BLOCK'), ('internal_module', 'NAMESPACE_BLOCK'),
  ('function_declaration', 'METHOD'), ('function_expression', 'METHOD'),
  ('generator_function_declaration', 'METHOD'), ('generator_function', 'METHOD'),
  ('function_signature', 'METHOD'), ('arrow_function', 'METHOD'), ('method_definition', 'METHOD'),
  ('method_signature', 'METHOD'), ('abstract_method_signature', 'METHOD'),
  ('class_declaration', 'TYPE_DECL'), ('abstract_class_declaration', 'TYPE_DECL'),
  ('class', 'TYPE_DECL'), ('interface_declaration', 'TYPE_DECL'),
  ('enum_declaration', 'TYPE_DECL'), ('type_alias_declaration', 'TYPE_DECL'),
  ('public_field_definition', 'MEMBER'), ('property_signature', 'MEMBER'),
  ('required_parameter', 'METHOD_PARAMETER_IN'), ('optional_parameter', 'METHOD_PARAMETER_IN'),
  ('call_expression', 'CALL'), ('new_expression', 'CALL'), ('member_expression', 'CALL'),
  ('subscript_expression', 'CALL'), ('binary_expression', 'CALL'), ('unary_expression', 'CALL'),
  ('update_expression', 'CALL'), ('ternary_expression', 'CALL'),
  ('assignment_expression', 'CALL'), ('augmented_assignment_expression', 'CALL'),
  ('variable_declarator', 'CALL'), ('await_expression', 'CALL'), ('spread_element', 'CALL'),
  ('as_expression', 'CALL'), ('satisfies_expression', 'CALL'), ('non_null_expression', 'CALL'),
  ('property_identifier', 'IDENTIFIER'), ('private_property_identifier', 'IDENTIFIER'),
  ('shorthand_property_identifier', 'IDENTIFIER'), ('this', 'IDENTIFIER'), ('super', 'IDENTIFIER'),
  ('shorthand_property_identifier_pattern', 'IDENTIFIER'),
  ('type_identifier', 'TYPE_REF'), ('predefined_type', 'TYPE_REF'), ('type_annotation', 'TYPE_REF'),
  ('number', 'LITERAL'), ('template_string', 'LITERAL'), ('regex', 'LITERAL'), ('null', 'LITERAL'),
  ('undefined', 'LITERAL'), ('array', 'LITERAL'), ('object', 'LITERAL'),
  ('statement_block', 'BLOCK'), ('class_body', 'BLOCK'),
  ('for_in_statement', 'CONTROL_STRUCTURE'), ('do_statement', 'CONTROL_STRUCTURE'),
  ('switch_statement', 'CONTROL_STRUCTURE'), ('switch_case', 'CONTROL_STRUCTURE'),
  ('switch_default', 'CONTROL_STRUCTURE'), ('catch_clause', 'CONTROL_STRUCTURE'),
  ('throw_statement', 'CONTROL_STRUCTURE'), ('yield_expression', 'CONTROL_STRUCTURE')
) AS kinds
